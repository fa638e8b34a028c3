"""ASGI middleware of WebSockets: puts the Caller into scope["caller"], None for nobody."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.security.websocket import OriginValidator

from accounts.selectors.callers import Caller, session_caller
from accounts.services.token_use import token_use
from accounts.services.tokens import digest
from mlplatform.http.address import peer
from mlplatform.http.bearer import bearer
from mlplatform.kernel.errors import Unauthenticated

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


class CallerMiddleware:
    """`Authorization: Bearer <token>`, as over REST; else the session of a browser, from a page of ours only.

    No page can send that header, so that a caller who does is no browser whose cookies somebody else's page uses.
    """

    def __init__(self, app: App, origins: Sequence[str]) -> None:
        self._app = app
        # The browser names the page that asks, with its port: other services of this machine have pages too.
        self._browsers = OriginValidator(AuthMiddlewareStack(self._signed_in), origins)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """See ASGI."""
        text = bearer(dict(scope["headers"]).get(b"authorization", b""))
        if text is None:
            await self._browsers(scope, receive, send)
        else:
            address = peer((scope.get("client") or ("",))[0])
            caller = await database_sync_to_async(_token_caller)(text, address)
            await self._app({**scope, "caller": caller}, receive, send)

    async def _signed_in(self, scope: Scope, receive: Any, send: Any) -> None:
        user = scope["user"]
        caller = session_caller(user, scope["session"]) if user.is_authenticated else None
        await self._app({**scope, "caller": caller}, receive, send)


def _token_caller(text: str, address: str) -> Caller | None:
    try:
        token = token_use(text, address)
    except Unauthenticated:
        return None
    return Caller(token.user_id, token_id=token.pk, token_digest=digest(text))
