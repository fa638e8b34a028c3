"""`Authorization: Bearer <token>` for the REST API."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User
from accounts.services.tokens import token_user
from mlplatform.http.bearer import bearer
from mlplatform.kernel.errors import Unauthenticated


def caller(request: Request) -> User:
    """The signed-in user, in views that let nobody else in."""
    assert isinstance(request.user, User)
    return request.user


class TokenAuthentication(BaseAuthentication):
    """Personal API tokens."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """See REST framework."""
        text = bearer(get_authorization_header(request))
        if text is None:
            return None
        try:
            return token_user(text), None
        except Unauthenticated as error:
            raise AuthenticationFailed(error.message) from error

    def authenticate_header(self, request: Request) -> str:
        """Makes a missing login a 401 instead of a 403."""
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):
    """What the schema of the API says about them."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """See drf-spectacular."""
        return {"type": "http", "scheme": "bearer", "description": "A token from the page API tokens."}
