"""REST: tokens of the caller, and of a project."""

from datetime import timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
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
from mlplatform.http.input import Input, checked

MAKE = "make a token"
MAX_HOURS = MAX_GRACE // timedelta(hours=1)


def token_json(token: ApiToken) -> dict[str, Any]:
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


def made_json(made: tuple[ApiToken, str]) -> dict[str, Any]:
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

    def get(self, request: Request) -> Response:
        """200."""
        return Response([token_json(token) for token in token_list(caller(request))])

    def post(self, request: Request) -> Response:
        """201 with the text, which is not shown again."""
        require_whole(caller(request), MAKE)
        made = token_create(user=caller(request), **checked(Creation, request.data))
        return Response(made_json(made), status=201)


class TokenView(APIView):
    """GET: one of my tokens. DELETE: revoke it."""

    def get(self, request: Request, pk: int) -> Response:
        """200."""
        return Response(token_json(token_get(caller(request), pk)))

    def delete(self, request: Request, pk: int) -> Response:
        """204."""
        token_revoke(user=caller(request), token_id=pk)
        return Response(status=204)


class TokenRotateView(APIView):
    """POST grace_hours, days: a new text for one of my tokens."""

    class Rotation(Input):
        """How long the old text works on, and the new one; null is as long again as it was made for."""

        grace_hours = serializers.IntegerField(min_value=0, max_value=MAX_HOURS, default=0)
        days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=None, allow_null=True)

    def post(self, request: Request, pk: int) -> Response:
        """200 with the new text, which is not shown again."""
        require_whole(caller(request), "rotate a token")
        given = checked(self.Rotation, request.data)
        grace = timedelta(hours=given.pop("grace_hours"))
        return Response(made_json(token_rotate(user=caller(request), token_id=pk, grace=grace, **given)))


class ProjectTokensView(APIView):
    """GET: tokens of a project. POST name, scope, days: make one. For its owners."""

    def get(self, request: Request, slug: str) -> Response:
        """200."""
        project = project_get(caller(request), slug, "manage")
        return Response([token_json(token) for token in project_token_list(caller(request), project)])

    def post(self, request: Request, slug: str) -> Response:
        """201 with the text, which is not shown again."""
        project = project_get(caller(request), slug, "manage")
        require_whole(caller(request), MAKE)
        made = token_create(user=caller(request), project=project, **checked(Creation, request.data))
        return Response(made_json(made), status=201)


class ProjectTokenView(APIView):
    """DELETE: revoke a token of a project, whoever made it. For its owners."""

    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """204."""
        project = project_get(caller(request), slug, "manage")
        project_token_revoke(user=caller(request), project=project, token_id=pk)
        return Response(status=204)
