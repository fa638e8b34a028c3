"""REST: signing in for a token, who am I, projects."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import get_authorization_header
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.api.tokens import Limits, MadeTokenJson, made_json
from accounts.models import Grant, Project
from accounts.permissions import is_site_admin, require_whole
from accounts.selectors.projects import project_get, project_list
from accounts.services.projects import project_create, project_update
from accounts.services.sign_in import password_check, request_audit, second_factor_check
from accounts.services.tokens import token_create, token_end
from mlplatform.http.answers import Answer, Created, Done
from mlplatform.http.bearer import bearer
from mlplatform.http.input import Input, checked
from mlplatform.http.listing import AFTER, LIMIT, listed
from mlplatform.http.query import flag_in
from mlplatform.http.schema import query


class GrantJson(TypedDict):
    """What a token allows."""

    prefix: str
    scope: str
    project: str | None
    expires_at: datetime | None


class MeJson(TypedDict):
    """The caller."""

    username: str
    email: str
    is_admin: bool
    token: GrantJson | None


class ProjectJson(TypedDict):
    """A project."""

    id: str
    slug: str
    name: str
    description: str
    created_at: datetime
    archived_at: datetime | None
    path: str


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
    """POST username, password, name, scope, days, code (of a second factor): sign in and get a personal token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (SignInThrottle, UserNameThrottle)

    class Credentials(Limits):
        """Credentials, and what the token is for and can do."""

        username = serializers.CharField(max_length=254)
        password = serializers.CharField(max_length=4096, trim_whitespace=False)
        code = serializers.CharField(max_length=20, default="", allow_blank=True)
        name = serializers.CharField(max_length=100, default="REST client")

    @extend_schema(request=Credentials)
    def post(self, request: Request) -> Created[MadeTokenJson]:
        """201 with the token, 401 for wrong credentials, `second_factor_required` if they are not enough."""
        given = checked(self.Credentials, request.data)
        asked = request._request
        user = password_check(request=asked, name=given.pop("username"), password=given.pop("password"))
        second_factor_check(user=user, code=given.pop("code"))
        token, text = token_create(user=user, **given)
        request_audit(asked, user, "sign_in", user.username, method="api", token=token.prefix)
        return Created(made_json((token, text)))


class CurrentTokenView(APIView):
    """DELETE: end the token that this call is made with, even if it may only read."""

    permission_classes = (IsAuthenticated,)

    def delete(self, request: Request) -> Done:
        """204; 401 for a caller who came without a token."""
        token_end(text=bearer(get_authorization_header(request)) or "")
        return Done()


class MeView(APIView):
    """GET: the caller, and what the token allows that the call is made with."""

    def get(self, request: Request) -> Answer[MeJson]:
        """200."""
        user = caller(request)
        return Answer[MeJson](
            {
                "username": user.username,
                "email": user.email,
                "is_admin": is_site_admin(user),
                "token": grant_json(user.grant) if user.grant else None,
            }
        )


def grant_json(grant: Grant) -> GrantJson:
    """What a token allows. A query for a project's."""
    project = Project.objects.filter(pk=grant.project_id).first() if grant.project_id else None
    return {
        "prefix": grant.prefix,
        "scope": grant.scope,
        "project": project.slug if project else None,
        "expires_at": grant.expires_at,
    }


def project_json(project: Project) -> ProjectJson:
    """What the API tells about a project."""
    return {
        "id": str(project.id),
        "slug": project.slug,
        "name": project.name,
        "description": project.description,
        "created_at": project.created_at,
        "archived_at": project.archived_at,
        "path": project.get_absolute_url(),
    }


class ProjectsView(APIView):
    """GET: my projects in use; `?archived=1`: those that are archived. POST name, description: create one."""

    class Creation(Input):
        """A new project."""

        name = serializers.CharField(max_length=100)
        description = serializers.CharField(max_length=2000, default="", allow_blank=True)

    @extend_schema(
        parameters=[query("archived", str, "1: those that are archived.", enum=["0", "1"]), AFTER, LIMIT]
    )
    def get(self, request: Request) -> Answer[list[ProjectJson]]:
        """200."""
        archived = flag_in(request.query_params, "archived")
        found = project_list(caller(request)).filter(archived_at__isnull=not archived)
        return listed(request, found, project_json, order=("name", "slug"))

    @extend_schema(request=Creation)
    @once
    def post(self, request: Request) -> Created[ProjectJson]:
        """201."""
        require_whole(caller(request), "create a project")
        given = checked(self.Creation, request.data)
        return Created(project_json(project_create(user=caller(request), **given)))


class ProjectView(APIView):
    """GET: one project. PATCH name, description: change them."""

    class Change(Input):
        """What is left out stays."""

        name = serializers.CharField(max_length=100, required=False)
        description = serializers.CharField(max_length=2000, required=False, allow_blank=True)

    def get(self, request: Request, slug: str) -> Answer[ProjectJson]:
        """200, or 404 for a stranger."""
        return Answer(project_json(project_get(caller(request), slug)))

    @extend_schema(request=Change)
    def patch(self, request: Request, slug: str) -> Answer[ProjectJson]:
        """200."""
        project = project_get(caller(request), slug, "manage")
        given = {"name": project.name, "description": project.description}
        given |= checked(self.Change, request.data)
        return Answer(project_json(project_update(user=caller(request), project=project, **given)))
