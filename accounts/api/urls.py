"""REST URLs of the accounts app."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("auth/tokens/", views.TokenView.as_view(), name="api_tokens"),
    path("auth/tokens/current/", views.CurrentTokenView.as_view(), name="api_current_token"),
    path("me/", views.MeView.as_view(), name="api_me"),
    path("projects/", views.ProjectsView.as_view(), name="api_projects"),
    path("projects/<slug:slug>/", views.ProjectView.as_view(), name="api_project"),
]
