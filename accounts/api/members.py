"""REST: who is in a project, and as what."""

from datetime import datetime
from typing import TypedDict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.models import Membership, Role
from accounts.permissions import require_whole
from accounts.selectors.projects import project_get
from accounts.services.members import PEOPLE, member_add, member_change, member_remove, project_transfer
from mlplatform.http.answers import Answer, Created, Done
from mlplatform.http.input import Input, checked
from mlplatform.http.listing import PAGED, listed


class MemberJson(TypedDict):
    """Somebody in a project."""

    username: str
    name: str
    role: str
    is_active: bool
    since: datetime


def member_json(membership: Membership) -> MemberJson:
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

    @PAGED
    def get(self, request: Request, slug: str) -> Answer[list[MemberJson]]:
        """200, by user name."""
        project = project_get(caller(request), slug)
        rows = project.memberships.select_related("user")
        return listed(request, rows, member_json, order=("user__username",))

    @extend_schema(request=Addition)
    @once
    def post(self, request: Request, slug: str) -> Created[MemberJson]:
        """201; 409 for a member."""
        project = project_get(caller(request), slug, "manage")
        require_whole(caller(request), PEOPLE)
        given = checked(self.Addition, request.data)
        return Created(member_json(member_add(user=caller(request), project=project, **given)))


class MemberView(APIView):
    """PATCH role: change it. DELETE: remove the member; one's own name leaves the project."""

    class Change(Input):
        """Another role."""

        role = serializers.ChoiceField(Role.choices)

    @extend_schema(request=Change)
    def patch(self, request: Request, slug: str, username: str) -> Answer[MemberJson]:
        """200; 409 for the last owner."""
        project = project_get(caller(request), slug, "manage")
        require_whole(caller(request), PEOPLE)
        given = checked(self.Change, request.data)
        changed = member_change(user=caller(request), project=project, username=username, **given)
        return Answer(member_json(changed))

    def delete(self, request: Request, slug: str, username: str) -> Done:
        """204; 409 for the last owner."""
        project = project_get(caller(request), slug)
        member_remove(user=caller(request), project=project, username=username)
        return Done()


class TransferView(APIView):
    """POST username: make that member owner and oneself editor."""

    class Heir(Input):
        """Who gets the project."""

        username = serializers.CharField(max_length=150)

    @extend_schema(request=Heir)
    def post(self, request: Request, slug: str) -> Answer[MemberJson]:
        """200 with the new owner."""
        project = project_get(caller(request), slug, "manage")
        require_whole(caller(request), PEOPLE)
        given = checked(self.Heir, request.data)
        return Answer(member_json(project_transfer(user=caller(request), project=project, **given)))
