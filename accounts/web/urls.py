"""Pages of the accounts app."""

from django.urls import path

from accounts.web import api_docs, profile, projects, tokens

urlpatterns = [
    path("projects/new/", projects.create, name="project_create"),
    path("p/<slug:slug>/members/", projects.members, name="project_members"),
    path("p/<slug:slug>/settings/", projects.settings, name="project_settings"),
    path("api-docs/", api_docs.api_docs, name="api_docs"),
    path("profile/", profile.profile, name="profile"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="token_revoke"),
]
