"""Pages of the accounts app."""

from django.urls import path

from accounts.web import api_docs, audit, invitations, members, profile, projects, tokens

urlpatterns = [
    path("projects/new/", projects.create, name="project_create"),
    path("audit/", audit.portal_audit, name="audit"),
    path("p/<slug:slug>/audit/", audit.project_audit, name="project_audit"),
    path("p/<slug:slug>/members/", members.members, name="project_members"),
    path("p/<slug:slug>/members/add/", members.add, name="member_add"),
    path("p/<slug:slug>/members/invite/", members.invite, name="project_invite"),
    path("p/<slug:slug>/members/<str:username>/role/", members.change, name="member_change"),
    path("p/<slug:slug>/members/<str:username>/remove/", members.remove, name="member_remove"),
    path("p/<slug:slug>/members/<str:username>/transfer/", members.transfer, name="project_transfer"),
    path("p/<slug:slug>/invitations/<int:invitation_id>/revoke/", members.revoke, name="invitation_revoke"),
    path("invitations/<str:text>/", invitations.invitation, name="invitation"),
    path("p/<slug:slug>/settings/", projects.settings, name="project_settings"),
    path("api-docs/", api_docs.api_docs, name="api_docs"),
    path("profile/", profile.profile, name="profile"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="token_revoke"),
    path("tokens/<int:token_id>/rotate/", tokens.rotate, name="token_rotate"),
    path("p/<slug:slug>/tokens/", tokens.project_tokens, name="project_tokens"),
    path("p/<slug:slug>/tokens/<int:token_id>/revoke/", tokens.project_revoke, name="project_token_revoke"),
]
