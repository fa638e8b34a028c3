"""Bounds on what requests may bring, before anything looks into them."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse

from mlplatform.http.errors import error_response
from mlplatform.kernel.errors import InvalidInput, TooLarge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
# Django, Channels and Starlette each type their messages differently.
App = Callable[..., Awaitable[None]]

# Key of the scope: the limit that the body exceeds.
TOO_LARGE = "mlplatform.too_large"
# How much of a refused body is taken in, and for how long.
DRAIN_BYTES = 512 * 2**20
DRAIN_S = 20.0


class BodyLimit:
    """ASGI middleware: no body above the limit reaches the app.

    One that is announced as too large is marked in the scope and withheld; `BodyLimitMiddleware` answers. One that
    grows too large is cut off. It stands in front of Django, which would first write any body to disk as a whole.
    """

    def __init__(self, app: App, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._limit:
            await self._withhold(scope, receive, send)
            return
        received = 0

        async def bounded() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message if received <= self._limit else {"type": "http.disconnect"}

        await self._app(scope, bounded, send)

    async def _withhold(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer without the body; take the body in afterwards.

        A connection that is closed with unread data in it is reset, and many clients then never see the answer.
        """
        given = False

        async def nothing() -> MutableMapping[str, Any]:
            nonlocal given
            if given:  # Django asks on to hear of a disconnect, and ends that itself once it has answered
                await asyncio.Event().wait()
            given = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def answer(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
                await send(message)
                return
            is_last = not message.get("more_body", False)
            await send({**message, "more_body": True})
            if is_last:
                await _drain(receive)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app({**scope, TOO_LARGE: self._limit}, nothing, answer)


async def _drain(receive: Receive) -> None:
    """Read and forget what a client still sends, within bounds."""
    left = DRAIN_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))


class BodyLimitMiddleware:
    """Answers 413 for a body that `BodyLimit` withheld: a page for browsers, problem+json for the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """See Django's middleware."""
        scope = getattr(request, "scope", {})
        if TOO_LARGE in scope:
            megabytes = scope[TOO_LARGE] // 2**20
            words = (
                f"This is larger than {megabytes} MiB. Leave data out; read it from a shared path instead."
            )
            return error_response(request, TooLarge(words))
        return self.get_response(request)


class NoNulMiddleware:
    """400 for a NUL character in path or query: PostgreSQL has none in text, so nothing can have such a name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """See Django's middleware."""
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return error_response(
                request, InvalidInput("The address contains a NUL character (%00); remove it.")
            )
        return self.get_response(request)
