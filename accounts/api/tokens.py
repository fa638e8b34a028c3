"""REST: tokens of the caller, and of a project."""

from datetime import datetime, timedelta
from typing import TypedDict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.models import ApiToken, Scope
from accounts.permissions import require_whole
from accounts.selectors.projects import project_get
from accounts.selectors.tokens import project_token_list, token_get, token_list
from accounts.services.tokens import (
    DEFAULT_DAYS,
    MAX_DAYS,
    MAX_GRACE,
    MAX_NAME,
    project_token_revoke,
    token_create,
    token_revoke,
    token_rotate,
)
from mlplatform.http.answers import Answer, Created, Done
from mlplatform.http.input import Input, checked
from mlplatform.http.listing import PAGED, listed

MAKE = "make a token"
NEWEST = ("-created_at", "-pk")
MAX_HOURS = MAX_GRACE // timedelta(hours=1)


class TokenJson(TypedDict):
    """Everything about a token but its text."""

    id: int
    name: str
    prefix: str
    scope: str
    project: str | None
    user: str
    created_at: datetime
    rotated_at: datetime | None
    expires_at: datetime | None
    old_until: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None


class MadeTokenJson(TokenJson):
    """The same and, this once, the text."""

    token: str


def token_json(token: ApiToken) -> TokenJson:
    """What the API tells about a token: everything but its text."""
    return {
        "id": token.pk,
        "name": token.name,
        "prefix": token.prefix,
        "scope": token.scope,
        "project": token.project.slug if token.project else None,
        "user": token.user.username,
        "created_at": token.created_at,
        "rotated_at": token.rotated_at,
        "expires_at": token.expires_at,
        "old_until": token.old_until,
        "last_used_at": token.last_used_at,
        "last_used_from": token.last_used_from,
    }


def made_json(made: tuple[ApiToken, str]) -> MadeTokenJson:
    """The same and, this once, the text."""
    token, text = made
    return {"token": text, **token_json(token)}


class Limits(Input):
    """How much a new token can do and for how long: `days` null is forever."""

    scope = serializers.ChoiceField(Scope.choices, default=Scope.WRITE)
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=DEFAULT_DAYS, allow_null=True)


class Creation(Limits):
    """A new token."""

    name = serializers.CharField(max_length=MAX_NAME)


class TokensView(APIView):
    """GET: my tokens. POST name, scope, days: make a personal one. Never kept under an Idempotency-Key."""

    @PAGED
    def get(self, request: Request) -> Answer[list[TokenJson]]:
        """200, newest first."""
        return listed(request, token_list(caller(request)), token_json, order=NEWEST)

    @extend_schema(request=Creation)
    def post(self, request: Request) -> Created[MadeTokenJson]:
        """201 with the text, which is not shown again."""
        require_whole(caller(request), MAKE)
        made = token_create(user=caller(request), **checked(Creation, request.data))
        return Created(made_json(made))


class TokenView(APIView):
    """GET: one of my tokens. DELETE: revoke it."""

    def get(self, request: Request, pk: int) -> Answer[TokenJson]:
        """200."""
        return Answer(token_json(token_get(caller(request), pk)))

    def delete(self, request: Request, pk: int) -> Done:
        """204."""
        token_revoke(user=caller(request), token_id=pk)
        return Done()


class TokenRotateView(APIView):
    """POST grace_hours, days: a new text for one of my tokens."""

    class Rotation(Input):
        """How long the old text works on, and the new one; null is as long again as it was made for."""

        grace_hours = serializers.IntegerField(min_value=0, max_value=MAX_HOURS, default=0)
        days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=None, allow_null=True)

    @extend_schema(request=Rotation)
    def post(self, request: Request, pk: int) -> Answer[MadeTokenJson]:
        """200 with the new text, which is not shown again."""
        require_whole(caller(request), "rotate a token")
        given = checked(self.Rotation, request.data)
        grace = timedelta(hours=given.pop("grace_hours"))
        return Answer(made_json(token_rotate(user=caller(request), token_id=pk, grace=grace, **given)))


class ProjectTokensView(APIView):
    """GET: tokens of a project. POST name, scope, days: make one. For its owners."""

    @PAGED
    def get(self, request: Request, slug: str) -> Answer[list[TokenJson]]:
        """200, newest first."""
        project = project_get(caller(request), slug, "manage")
        return listed(request, project_token_list(caller(request), project), token_json, order=NEWEST)

    @extend_schema(request=Creation)
    def post(self, request: Request, slug: str) -> Created[MadeTokenJson]:
        """201 with the text, which is not shown again."""
        project = project_get(caller(request), slug, "manage")
        require_whole(caller(request), MAKE)
        made = token_create(user=caller(request), project=project, **checked(Creation, request.data))
        return Created(made_json(made))


class ProjectTokenView(APIView):
    """DELETE: revoke a token of a project, whoever made it. For its owners."""

    def delete(self, request: Request, slug: str, pk: int) -> Done:
        """204."""
        project = project_get(caller(request), slug, "manage")
        project_token_revoke(user=caller(request), project=project, token_id=pk)
        return Done()
