"""`Authorization: Bearer <token>` for the REST API, and what a token that may only read is refused."""

from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import User
from accounts.permissions import require_write
from accounts.services.token_use import token_user
from mlplatform.http.address import peer
from mlplatform.http.bearer import bearer
from mlplatform.kernel.errors import Unauthenticated

if TYPE_CHECKING:
    # It reads the settings that name this module.
    from rest_framework.views import APIView


def caller(request: Request) -> User:
    """The signed-in user, in views that let nobody else in."""
    assert isinstance(request.user, User)
    return request.user


class TokenAuthentication(BaseAuthentication):
    """Personal and project tokens. The user has what the token grants."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """See REST framework."""
        text = bearer(get_authorization_header(request))
        if text is None:
            return None
        try:
            return token_user(text, peer(request.META.get("REMOTE_ADDR"))), None
        except Unauthenticated as error:
            raise AuthenticationFailed(error.message) from error

    def authenticate_header(self, request: Request) -> str:
        """Makes a missing login a 401 instead of a 403."""
        return "Bearer"


class WithinToken(BasePermission):
    """A token that may only read changes nothing, not even what its owner alone sees."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """See REST framework. A method that the view does not have is its own refusal."""
        if request.method not in SAFE_METHODS and hasattr(view, str(request.method).lower()):
            require_write(request.user)
        return True


class TokenScheme(OpenApiAuthenticationExtension):
    """What the schema of the API says about them."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """See drf-spectacular."""
        return {"type": "http", "scheme": "bearer", "description": "A token from the page API tokens."}
