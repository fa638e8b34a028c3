"""Pages of the accounts app."""

from django.urls import path

from accounts.web import profile, projects, tokens

urlpatterns = [
    path("projects/new/", projects.create, name="project_create"),
    path("p/<slug:slug>/members/", projects.members, name="project_members"),
    path("p/<slug:slug>/settings/", projects.settings, name="project_settings"),
    path("profile/", profile.profile, name="profile"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="token_revoke"),
    path("tokens/<int:token_id>/rotate/", tokens.rotate, name="token_rotate"),
    path("p/<slug:slug>/tokens/", tokens.project_tokens, name="project_tokens"),
    path("p/<slug:slug>/tokens/<int:token_id>/revoke/", tokens.project_revoke, name="project_token_revoke"),
]
