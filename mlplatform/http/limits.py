"""Bounds on what requests may bring, before anything looks into them."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from mlplatform.http.errors import error_page

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
# Django, Channels and Starlette each type their messages differently.
App = Callable[..., Awaitable[None]]


class BodyLimit:
    """ASGI middleware: 413 for a body that is announced as too large; one that grows too large is cut off.

    It stands in front of Django, which would first write any body to disk as a whole.
    """

    def __init__(self, app: App, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._limit:
            await self._refuse(send)
            return
        received = 0

        async def bounded() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message if received <= self._limit else {"type": "http.disconnect"}

        await self._app(scope, bounded, send)

    async def _refuse(self, send: Send) -> None:
        detail = f"The request is larger than {self._limit // 2**20} MiB. Leave data out; read it from a shared path."
        problem = {
            "type": "about:blank",
            "code": "too_large",
            "status": 413,
            "title": "TooLarge",
            "detail": detail,
        }
        headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(problem).encode()})


class NoNulMiddleware:
    """400 for a NUL character in path or query: PostgreSQL has none in text, so nothing can have such a name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """See Django's middleware."""
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return error_page(request, 400, "The address contains a NUL character (%00); remove it.")
        return self.get_response(request)
