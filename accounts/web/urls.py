"""Pages of the accounts app."""

from django.urls import path

from accounts.web import projects, tokens

urlpatterns = [
    path("projects/new/", projects.create, name="project_create"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="token_revoke"),
]
