"""REST URLs of the accounts app."""

from django.urls import path

from accounts.api import audit, invitations, members, tokens, views

urlpatterns = [
    path("auth/tokens/", views.TokenView.as_view(), name="api_tokens"),
    path("auth/tokens/current/", views.CurrentTokenView.as_view(), name="api_current_token"),
    path("tokens/", tokens.TokensView.as_view(), name="api_own_tokens"),
    path("tokens/<int:pk>/", tokens.TokenView.as_view(), name="api_own_token"),
    path("tokens/<int:pk>/rotate/", tokens.TokenRotateView.as_view(), name="api_own_token_rotate"),
    path("me/", views.MeView.as_view(), name="api_me"),
    path("projects/", views.ProjectsView.as_view(), name="api_projects"),
    path("projects/<slug:slug>/", views.ProjectView.as_view(), name="api_project"),
    path("audit/", audit.AuditView.as_view(), name="api_audit"),
    path("audit.<slug:kind>", audit.AuditFileView.as_view(), name="api_audit_file"),
    path("projects/<slug:slug>/audit/", audit.ProjectAuditView.as_view(), name="api_project_audit"),
    path(
        "projects/<slug:slug>/audit.<slug:kind>",
        audit.ProjectAuditFileView.as_view(),
        name="api_project_audit_file",
    ),
    path("projects/<slug:slug>/members/", members.MembersView.as_view(), name="api_members"),
    path("projects/<slug:slug>/members/<str:username>/", members.MemberView.as_view(), name="api_member"),
    path("projects/<slug:slug>/transfer/", members.TransferView.as_view(), name="api_transfer"),
    path("projects/<slug:slug>/invitations/", invitations.InvitationsView.as_view(), name="api_invitations"),
    path(
        "projects/<slug:slug>/invitations/<int:invitation_id>/",
        invitations.InvitationView.as_view(),
        name="api_invitation",
    ),
    path("invitations/", invitations.PortalInvitationsView.as_view(), name="api_portal_invitations"),
    path(
        "invitations/<int:invitation_id>/",
        invitations.PortalInvitationView.as_view(),
        name="api_portal_invitation",
    ),
    path("invitations/accept/", invitations.AcceptView.as_view(), name="api_invitation_accept"),
    path("projects/<slug:slug>/tokens/", tokens.ProjectTokensView.as_view(), name="api_project_tokens"),
    path(
        "projects/<slug:slug>/tokens/<int:pk>/", tokens.ProjectTokenView.as_view(), name="api_project_token"
    ),
]
