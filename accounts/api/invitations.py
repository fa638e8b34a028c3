"""REST: invitations into a project, and to the portal alone.

Making one takes no Idempotency-Key: the answer has the link, and answers under a key are kept for a day.
"""

from datetime import datetime
from typing import Any, TypedDict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.models import Invitation, Project, Role
from accounts.permissions import require_whole
from accounts.selectors.invitations import invitations_of
from accounts.selectors.projects import project_get
from accounts.services.invitations import (
    ACCEPT,
    DEFAULT_DAYS,
    INVITE,
    MAX_DAYS,
    MAX_USES,
    invitation_accept,
    invitation_create,
    invitation_link,
    invitation_revoke,
    invitation_send,
    require_admin,
)
from mlplatform.http.answers import Answer, Created, Done
from mlplatform.http.input import Input, checked
from mlplatform.http.listing import PAGED, listed

NEWEST = ("-created_at", "-pk")


class InvitationJson(TypedDict):
    """An invitation, without its link."""

    id: int
    project: str | None
    role: str | None
    email: str
    prefix: str
    uses: int
    max_uses: int
    created_by: str
    created_at: datetime
    expires_at: datetime


class MadeInvitationJson(InvitationJson):
    """The same with its link, this once, and whether it was sent by mail."""

    link: str
    sent: bool


class AcceptedJson(TypedDict):
    """Where one has come to: null for the portal alone."""

    project: str | None


def invitation_json(invitation: Invitation) -> InvitationJson:
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

    @PAGED
    def get(self, request: Request, slug: str) -> Answer[list[InvitationJson]]:
        """200, newest first."""
        project = project_get(caller(request), slug, "manage")
        return listed(request, invitations_of(project), invitation_json, order=NEWEST)

    @extend_schema(request=Creation)
    def post(self, request: Request, slug: str) -> Created[MadeInvitationJson]:
        """201 with the link, which is not told again."""
        project = project_get(caller(request), slug, "manage")
        require_whole(caller(request), INVITE)
        return _made(request, project, checked(Creation, request.data))


class InvitationView(APIView):
    """DELETE: revoke it."""

    def delete(self, request: Request, slug: str, invitation_id: int) -> Done:
        """204."""
        project = project_get(caller(request), slug, "manage")
        invitation_revoke(user=caller(request), project=project, invitation_id=invitation_id)
        return Done()


class PortalInvitationsView(APIView):
    """The same for invitations to the portal alone; for site administrators."""

    @PAGED
    def get(self, request: Request) -> Answer[list[InvitationJson]]:
        """200, newest first."""
        require_admin(caller(request))
        return listed(request, invitations_of(None), invitation_json, order=NEWEST)

    @extend_schema(request=PortalCreation)
    def post(self, request: Request) -> Created[MadeInvitationJson]:
        """201 with the link, which is not told again."""
        require_admin(caller(request))
        return _made(request, None, checked(PortalCreation, request.data))


class PortalInvitationView(APIView):
    """DELETE: revoke it."""

    def delete(self, request: Request, invitation_id: int) -> Done:
        """204."""
        invitation_revoke(user=caller(request), project=None, invitation_id=invitation_id)
        return Done()


class AcceptView(APIView):
    """POST token (the last part of the link): come in."""

    class Acceptance(Input):
        """The secret text of an invitation."""

        token = serializers.CharField(max_length=100)

    @extend_schema(request=Acceptance)
    def post(self, request: Request) -> Answer[AcceptedJson]:
        """200 with the project, `null` for the portal alone; 404 if it lets nobody in."""
        require_whole(caller(request), ACCEPT)
        given = checked(self.Acceptance, request.data)
        accepted = invitation_accept(user=caller(request), text=given["token"])
        return Answer[AcceptedJson]({"project": accepted.project.slug if accepted.project else None})


def _made(request: Request, project: Project | None, given: dict[str, Any]) -> Created[MadeInvitationJson]:
    invitation, text = invitation_create(user=caller(request), project=project, **given)
    is_sent = invitation_send(invitation=invitation, text=text)
    return Created({**invitation_json(invitation), "link": invitation_link(text), "sent": is_sent})
