"""REST: signing in for a token, who am I, projects."""

import hashlib
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.authentication import get_authorization_header
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.models import Project
from accounts.selectors.projects import project_get, project_list
from accounts.services.projects import project_create
from accounts.services.sign_in import password_check, request_audit, second_factor_check
from accounts.services.tokens import token_create, token_end
from mlplatform.http.bearer import bearer
from mlplatform.http.input import Input, checked


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
    """POST username, password, name, and code for whoever has a second factor: sign in and get an API token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (SignInThrottle, UserNameThrottle)

    class Credentials(Input):
        """Credentials and what the token is for."""

        username = serializers.CharField(max_length=254)
        password = serializers.CharField(max_length=4096, trim_whitespace=False)
        code = serializers.CharField(max_length=20, default="", allow_blank=True)
        name = serializers.CharField(max_length=100, default="REST client")

    def post(self, request: Request) -> Response:
        """201 with the token, 401 for wrong credentials, `second_factor_required` if they are not enough."""
        given = checked(self.Credentials, request.data)
        user = password_check(request=request._request, name=given["username"], password=given["password"])
        second_factor_check(user=user, code=given["code"])
        token, text = token_create(user=user, name=given["name"])
        request_audit(request._request, user, "sign_in", user.username, method="api", token=token.prefix)
        return Response({"token": text, "prefix": token.prefix, "name": token.name}, status=201)


class CurrentTokenView(APIView):
    """DELETE: end the token that this call is made with."""

    def delete(self, request: Request) -> Response:
        """204; 401 for a caller who came without a token."""
        token_end(text=bearer(get_authorization_header(request)) or "")
        return Response(status=204)


class MeView(APIView):
    """GET: the caller."""

    def get(self, request: Request) -> Response:
        """200."""
        user = caller(request)
        return Response({"username": user.username, "email": user.email, "is_admin": user.is_superuser})


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
        given = checked(self.Creation, request.data)
        return Response(project_json(project_create(user=caller(request), **given)), status=201)


class ProjectView(APIView):
    """GET: one project."""

    def get(self, request: Request, slug: str) -> Response:
        """200, or 404 for a stranger."""
        return Response(project_json(project_get(caller(request), slug)))
