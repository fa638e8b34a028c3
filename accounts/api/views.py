"""REST: signing in for a token, who am I, projects."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import authenticate
from rest_framework import serializers
from rest_framework.authentication import get_authorization_header
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.api.tokens import Limits, made_json
from accounts.models import Grant, Project, User
from accounts.permissions import is_site_admin, require_whole
from accounts.selectors.projects import project_get, project_list
from accounts.services.projects import project_create
from accounts.services.tokens import token_create, token_end
from mlplatform.http.bearer import bearer
from mlplatform.http.input import Input, checked
from mlplatform.kernel.errors import Unauthenticated


class SignInThrottle(AnonRateThrottle):
    """Slows down guessing of passwords from one address."""

    scope = "sign_in"


class UserNameThrottle(SimpleRateThrottle):
    """Slows down guessing of one user's password, from however many addresses."""

    scope = "sign_in_name"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        """By the name that is tried, whether or not there is such a user. None: not limited."""
        name = request.data.get("username") if isinstance(request.data, Mapping) else None
        if not isinstance(name, str):
            return None
        ident = hashlib.sha256(name.strip().casefold().encode("utf-8", "replace")).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": ident}


class TokenView(APIView):
    """POST username, password, name, scope, days: sign in and get a personal token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (SignInThrottle, UserNameThrottle)

    class Credentials(Limits):
        """Credentials, and what the token is for and can do."""

        username = serializers.CharField(max_length=254)
        password = serializers.CharField(max_length=4096, trim_whitespace=False)
        name = serializers.CharField(max_length=100, default="REST client")

    def post(self, request: Request) -> Response:
        """201 with the token, 401 for wrong credentials."""
        given = checked(self.Credentials, request.data)
        password = given.pop("password")
        user = authenticate(request._request, username=given.pop("username"), password=password)
        if not isinstance(user, User):
            raise Unauthenticated("The user name or the password is wrong.")
        return Response(made_json(token_create(user=user, **given)), status=201)


class CurrentTokenView(APIView):
    """DELETE: end the token that this call is made with, even if it may only read."""

    permission_classes = (IsAuthenticated,)

    def delete(self, request: Request) -> Response:
        """204; 401 for a caller who came without a token."""
        token_end(text=bearer(get_authorization_header(request)) or "")
        return Response(status=204)


class MeView(APIView):
    """GET: the caller, and what the token allows that the call is made with."""

    def get(self, request: Request) -> Response:
        """200."""
        user = caller(request)
        return Response(
            {
                "username": user.username,
                "email": user.email,
                "is_admin": is_site_admin(user),
                "token": grant_json(user.grant) if user.grant else None,
            }
        )


def grant_json(grant: Grant) -> dict[str, Any]:
    """What a token allows. A query for a project's."""
    project = Project.objects.filter(pk=grant.project_id).first() if grant.project_id else None
    return {
        "prefix": grant.prefix,
        "scope": grant.scope,
        "project": project.slug if project else None,
        "expires_at": grant.expires_at,
    }


def project_json(project: Project) -> dict[str, Any]:
    """What the API tells about a project."""
    return {
        "id": str(project.id),
        "slug": project.slug,
        "name": project.name,
        "description": project.description,
        "created_at": project.created_at,
        "path": project.get_absolute_url(),
    }


class ProjectsView(APIView):
    """GET: my projects. POST name, description: create one."""

    class Creation(Input):
        """A new project."""

        name = serializers.CharField(max_length=100)
        description = serializers.CharField(max_length=2000, default="", allow_blank=True)

    def get(self, request: Request) -> Response:
        """200."""
        return Response([project_json(project) for project in project_list(caller(request))])

    @once
    def post(self, request: Request) -> Response:
        """201."""
        require_whole(caller(request), "create a project")
        given = checked(self.Creation, request.data)
        return Response(project_json(project_create(user=caller(request), **given)), status=201)


class ProjectView(APIView):
    """GET: one project."""

    def get(self, request: Request, slug: str) -> Response:
        """200, or 404 for a stranger."""
        return Response(project_json(project_get(caller(request), slug)))
