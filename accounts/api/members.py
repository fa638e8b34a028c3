"""REST: who is in a project, and as what."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.models import Membership, Role
from accounts.selectors.projects import project_get
from accounts.services.members import member_add, member_change, member_remove, project_transfer
from mlplatform.http.input import Input, checked


def member_json(membership: Membership) -> dict[str, Any]:
    """What the API tells about a member."""
    person = membership.user
    return {
        "username": person.username,
        "name": person.get_full_name(),
        "role": membership.role,
        "is_active": person.is_active,
        "since": membership.created_at,
    }


class MembersView(APIView):
    """GET: the members. POST name (user name or e-mail address), role: add one."""

    class Addition(Input):
        """Somebody with an account."""

        name = serializers.CharField(max_length=254)
        role = serializers.ChoiceField(Role.choices, default=Role.VIEWER)

    def get(self, request: Request, slug: str) -> Response:
        """200."""
        project = project_get(caller(request), slug)
        rows = project.memberships.select_related("user").order_by("user__username")
        return Response([member_json(membership) for membership in rows])

    @once
    def post(self, request: Request, slug: str) -> Response:
        """201; 409 for a member."""
        project = project_get(caller(request), slug, "manage")
        given = checked(self.Addition, request.data)
        return Response(member_json(member_add(user=caller(request), project=project, **given)), status=201)


class MemberView(APIView):
    """PATCH role: change it. DELETE: remove the member; one's own name leaves the project."""

    class Change(Input):
        """Another role."""

        role = serializers.ChoiceField(Role.choices)

    def patch(self, request: Request, slug: str, username: str) -> Response:
        """200; 409 for the last owner."""
        project = project_get(caller(request), slug, "manage")
        given = checked(self.Change, request.data)
        changed = member_change(user=caller(request), project=project, username=username, **given)
        return Response(member_json(changed))

    def delete(self, request: Request, slug: str, username: str) -> Response:
        """204; 409 for the last owner."""
        project = project_get(caller(request), slug)
        member_remove(user=caller(request), project=project, username=username)
        return Response(status=204)


class TransferView(APIView):
    """POST username: make that member owner and oneself editor."""

    class Heir(Input):
        """Who gets the project."""

        username = serializers.CharField(max_length=150)

    def post(self, request: Request, slug: str) -> Response:
        """200 with the new owner."""
        project = project_get(caller(request), slug, "manage")
        given = checked(self.Heir, request.data)
        return Response(member_json(project_transfer(user=caller(request), project=project, **given)))
