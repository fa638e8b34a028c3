"""`Authorization: Bearer <token>` for the REST API."""

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
