"""REST: invitations into a project, and to the portal alone.

Making one takes no Idempotency-Key: the answer has the link, and answers under a key are kept for a day.
"""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.models import Invitation, Project, Role
from accounts.selectors.invitations import invitations_of
from accounts.selectors.projects import project_get
from accounts.services.invitations import (
    DEFAULT_DAYS,
    MAX_DAYS,
    MAX_USES,
    invitation_accept,
    invitation_create,
    invitation_link,
    invitation_revoke,
    invitation_send,
    require_admin,
)
from mlplatform.http.input import Input, checked


def invitation_json(invitation: Invitation) -> dict[str, Any]:
    """What the API tells about an invitation. The link is in the answer that made it only."""
    return {
        "id": invitation.pk,
        "project": invitation.project.slug if invitation.project else None,
        "role": invitation.role if invitation.project else None,
        "email": invitation.email,
        "prefix": invitation.prefix,
        "uses": invitation.uses,
        "max_uses": invitation.max_uses,
        "created_by": invitation.created_by.username,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }


class PortalCreation(Input):
    """An invitation to the portal alone."""

    email = serializers.EmailField(default="", allow_blank=True)
    days = serializers.IntegerField(default=DEFAULT_DAYS, min_value=1, max_value=MAX_DAYS)
    max_uses = serializers.IntegerField(default=1, min_value=1, max_value=MAX_USES)


class Creation(PortalCreation):
    """An invitation into a project."""

    role = serializers.ChoiceField(Role.choices, default=Role.VIEWER)


class InvitationsView(APIView):
    """GET: the open invitations of a project. POST role, email, days, max_uses: make one."""

    def get(self, request: Request, slug: str) -> Response:
        """200."""
        project = project_get(caller(request), slug, "manage")
        return Response([invitation_json(each) for each in invitations_of(project)])

    def post(self, request: Request, slug: str) -> Response:
        """201 with the link, which is not told again."""
        project = project_get(caller(request), slug, "manage")
        return _made(request, project, checked(Creation, request.data))


class InvitationView(APIView):
    """DELETE: revoke it."""

    def delete(self, request: Request, slug: str, invitation_id: int) -> Response:
        """204."""
        project = project_get(caller(request), slug, "manage")
        invitation_revoke(user=caller(request), project=project, invitation_id=invitation_id)
        return Response(status=204)


class PortalInvitationsView(APIView):
    """The same for invitations to the portal alone; for site administrators."""

    def get(self, request: Request) -> Response:
        """200."""
        require_admin(caller(request))
        return Response([invitation_json(each) for each in invitations_of(None)])

    def post(self, request: Request) -> Response:
        """201 with the link, which is not told again."""
        require_admin(caller(request))
        return _made(request, None, checked(PortalCreation, request.data))


class PortalInvitationView(APIView):
    """DELETE: revoke it."""

    def delete(self, request: Request, invitation_id: int) -> Response:
        """204."""
        invitation_revoke(user=caller(request), project=None, invitation_id=invitation_id)
        return Response(status=204)


class AcceptView(APIView):
    """POST token (the last part of the link): come in."""

    class Acceptance(Input):
        """The secret text of an invitation."""

        token = serializers.CharField(max_length=100)

    def post(self, request: Request) -> Response:
        """200 with the project, `null` for the portal alone; 404 if it lets nobody in."""
        given = checked(self.Acceptance, request.data)
        accepted = invitation_accept(user=caller(request), text=given["token"])
        return Response({"project": accepted.project.slug if accepted.project else None})


def _made(request: Request, project: Project | None, given: dict[str, Any]) -> Response:
    invitation, text = invitation_create(user=caller(request), project=project, **given)
    is_sent = invitation_send(invitation=invitation, text=text)
    answer = {**invitation_json(invitation), "link": invitation_link(text), "sent": is_sent}
    return Response(answer, status=201)
