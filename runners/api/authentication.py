"""What all endpoints of the harness share: the token of one allocation, and a bounded body of JSON or msgpack."""

import json
from typing import Any

import msgpack
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from mlplatform.http.bearer import bearer
from mlplatform.kernel.errors import InvalidInput, TooLarge, Unauthenticated
from runners.models import Allocation
from runners.services.tokens import allocation_by_token

MSGPACK = "application/msgpack"


class AllocationAuthentication(BaseAuthentication):
    """Sets `request.auth` to the Allocation."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Allocation]:
        """See REST framework."""
        text = bearer(get_authorization_header(request))
        if text is None:
            raise AuthenticationFailed("The harness must send its allocation token.")
        try:
            return AnonymousUser(), allocation_by_token(text)
        except Unauthenticated as error:
            raise AuthenticationFailed(error.message) from error

    def authenticate_header(self, request: Request) -> str:
        """Makes it a 401."""
        return "Bearer"


class IsAllocation(BasePermission):
    """Only with an allocation token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """See REST framework."""
        return isinstance(request.auth, Allocation)


class HarnessView(APIView):
    """Base of the endpoints that jobs call."""

    authentication_classes = (AllocationAuthentication,)
    permission_classes = (IsAllocation,)

    def body(self, request: Request) -> Any:
        """The content of the body, JSON or msgpack. Raises TooLarge or InvalidInput."""
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
        if announced > settings.MAX_BATCH_BYTES or len(request._request.body) > settings.MAX_BATCH_BYTES:
            raise TooLarge(f"A batch may have {settings.MAX_BATCH_BYTES:,} bytes; send it in smaller parts.")
        packed = request.content_type == MSGPACK
        try:
            if packed:
                return msgpack.unpackb(request._request.body, unicode_errors="replace")
            return json.loads(request._request.body)
        except (ValueError, RecursionError) as error:
            kind = "msgpack" if packed else "JSON"
            raise InvalidInput(f"The body is not {kind}: {str(error)[:200]}.") from error

    def allocation(self, request: Request) -> Allocation:
        """The calling allocation."""
        assert isinstance(request.auth, Allocation)
        return request.auth
