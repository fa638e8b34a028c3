"""A page's end of the live socket, and what is published to it."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.contrib.sessions.backends.db import SessionStore
from django.urls import path

from accounts.models import User
from accounts.selectors.callers import Caller, session_caller
from experiments.consumers import LiveConsumer
from mlplatform.http.live import group_name
from mlplatform.http.numbers import Numbers

ROUTES = URLRouter([path("ws/live/<str:kind>/<uuid:pk>/", LiveConsumer.as_asgi())])
LIMIT_S = 20


class Socket(ApplicationCommunicator):
    """The browser's end. (channels.testing has one too, but it needs Daphne.)"""

    def __init__(self, caller: Caller | None, kind: str, pk: uuid.UUID, others: str = "") -> None:
        path = {"path": f"/ws/live/{kind}/{pk}/", "query_string": f"with={others}".encode()}
        super().__init__(ROUTES, {"type": "websocket", **path, "caller": caller})

    async def connect(self) -> None:
        """The handshake succeeds always: a refusal is a close with a code."""
        await self.send_input({"type": "websocket.connect"})
        assert (await self.receive_output(LIMIT_S))["type"] == "websocket.accept"

    async def say(self, asked: Any) -> None:
        """The page speaks."""
        await self.send_input({"type": "websocket.receive", "text": json.dumps(asked)})

    async def watch(self, *names: str) -> None:
        """Choose metrics; the answer says that nothing is missed from here on."""
        await self.say({"watch": names})
        assert await self.frame() == {"watching": sorted(names)}

    async def frame(self) -> dict[str, Any]:
        """The next message."""
        found: dict[str, Any] = json.loads((await self.receive_output(LIMIT_S))["text"])
        return found

    async def close_code(self) -> int:
        """The server hangs up."""
        message = await self.receive_output(LIMIT_S)
        assert message["type"] == "websocket.close"
        await self.leave()
        return int(message["code"])

    async def leave(self) -> None:
        """The browser hangs up."""
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(LIMIT_S)


def signed_in(user: User) -> Caller:
    """What a browser has after signing in."""
    session = SessionStore()
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session.save()
    return session_caller(user, session)


async def watch(user: User, kind: str, pk: uuid.UUID, *names: str, caller: Caller | None = None) -> Socket:
    caller = caller or await database_sync_to_async(signed_in)(user)
    page = Socket(caller, kind, pk)
    await page.connect()
    await page.watch(*names)
    return page


async def tell(pk: uuid.UUID | str, event: dict[str, Any], kind: str = "experiment") -> None:
    """What mlplatform.http.live sends."""
    group = group_name(kind, pk) if isinstance(pk, uuid.UUID) else pk
    numbers = Numbers()
    [number] = await numbers.take([group])
    await numbers.close()
    message = {"type": "live.events", "group": group, "number": number, "events": [event]}
    await get_channel_layer().group_send(group, message)


def points(first: int, last: int, *, run: str = "r", name: str = "loss") -> dict[str, Any]:
    """The run's points of these steps, each of which has one."""
    steps = list(range(first, last + 1))
    columns = {"steps": steps, "values": [0.5] * len(steps), "times": [0.0] * len(steps)}
    part = {"name": name, "attempt": 1, "count": last, **columns}
    return {"what": "points", "run": run, "number": 3, "points": [part]}


RUN = {"what": "run", "run": "r1", "experiment": "e"}


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not true():
            await asyncio.sleep(0.01)
