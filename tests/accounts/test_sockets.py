"""Who opens a socket: a browser on a page of ours, or a token."""

from collections.abc import Iterator
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from accounts.models import User
from accounts.selectors.callers import Caller
from accounts.services.tokens import token_create
from accounts.sockets import CallerMiddleware
from tests.fixtures import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

OURS = "http://127.0.0.1:8000"


async def open_socket(**headers: str) -> Any:
    """The caller that the application gets; "refused" if it is not asked."""
    seen: list[Any] = ["refused"]

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope["caller"])

    asked: Iterator[dict[str, Any]] = iter(
        [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    )

    async def receive() -> dict[str, Any]:
        return next(asked)

    async def send(message: dict[str, Any]) -> None:
        assert message["type"] == "websocket.close"

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "path": "/", "headers": raw, "client": ["192.0.2.7", 4711]}
    await CallerMiddleware(app, [OURS])(scope, receive, send)
    return seen[-1]


def cookie(user: User) -> str:
    client = Client()
    client.login(username=user.username, password=PASSWORD)
    return client.cookies["mlp_session_8000"].OutputString()


async def test_a_token(owner: User) -> None:
    token, text = await database_sync_to_async(token_create)(user=owner, name="ci")
    caller = Caller(owner.pk, token_id=token.pk, token_digest=token.digest)
    assert await open_socket(authorization=f"Bearer {text}") == caller
    assert await open_socket(authorization=f"bearer  {text} ") == caller
    await token.arefresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_from == "192.0.2.7"


@pytest.mark.parametrize("header", ["Bearer mlp_wrong", "Bearer "])
async def test_a_wrong_token_is_nobody_whatever_the_cookie(owner: User, header: str) -> None:
    sent = await database_sync_to_async(cookie)(owner)
    assert await open_socket(authorization=header, origin=OURS, cookie=sent) is None


async def test_a_browser(owner: User) -> None:
    sent = await database_sync_to_async(cookie)(owner)
    caller = await open_socket(origin=OURS, cookie=sent)
    assert (caller.user_id, caller.token_id) == (owner.pk, None)
    assert caller.session_key
    assert caller.password_hash == owner.get_session_auth_hash()
    assert await open_socket(origin=OURS) is None


@pytest.mark.parametrize("origin", ["http://127.0.0.1:9000", "https://evil.example", None])
async def test_a_page_of_somebody_else_is_refused(owner: User, origin: str | None) -> None:
    sent = await database_sync_to_async(cookie)(owner)
    assert await open_socket(cookie=sent, **({"origin": origin} if origin else {})) == "refused"
    basic = {"authorization": "Basic b2xpdmlhOng="}
    assert await open_socket(cookie=sent, **basic, **({"origin": origin} if origin else {})) == "refused"
