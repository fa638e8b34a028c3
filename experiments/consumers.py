"""The live socket of a page: watches a project, an experiment or a run, and says what changed a few times per second.

A page that shows several of them names the others in `?with=<kind>/<id>,…`.

Text frames are JSON. The page says {"watch": ["<metric>", ...]}, whose points it shows, and is answered {"watching": …}
as soon as it hears them; or {"ping": true}. It hears {"changed": ["run:<id>", ...], "points": [...]}, {"beat": true},
or {"refetch": true} when something is missing.
Close codes: 4400 nonsense, 4401 not signed in, 4404 nothing there or not for you, 1013 come again.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from redis.exceptions import RedisError

from experiments.broadcast import BEAT, broadcast
from experiments.selectors.watching import NOT_SIGNED_IN, Place, Watcher, refusals
from mlplatform.http.outage import OUTAGES
from mlplatform.http.rooms import REFETCH

logger = logging.getLogger(__name__)
Scope = dict[str, Any]
NONSENSE = 4400
TRY_AGAIN = 1013
MAX_MESSAGE = 16_384
MAX_NAMES = 50
MAX_PLACES = 50


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket. At most one frame is on its way; what comes meanwhile becomes one refetch."""

    # The layer is heard by the broadcast, for all sockets of the process.
    channel_layer_alias = None
    watchers: Sequence[Watcher] = ()
    names: frozenset[str] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self._sending: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._is_behind = False
        # What the page asked last and was not told yet.
        self._answer = ""
        self._has_joined = False

    async def connect(self) -> None:
        """Accept first: a browser learns the code of a close only after the handshake."""
        await self.accept()
        caller, places = self.scope["caller"], _places(self.scope)
        if caller is None or places is None:
            await self.close(NOT_SIGNED_IN if caller is None else NONSENSE)
            return
        self.watchers = [Watcher(caller, place) for place in places]
        self._has_joined = True
        try:
            await broadcast().join(self)
            # After joining: a change of access is either seen here, or heard.
            refused = await database_sync_to_async(refusals)(self.watchers)
        except (RedisError, OSError, *OUTAGES) as error:
            logger.warning("A page cannot watch now: %s", error)
            self.end(TRY_AGAIN)
            return
        broadcast().refuse(self, refused)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """See ASGI. However it ends, nothing stays behind."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            for task in (self._sending, self._ending):
                if task:
                    task.cancel()
            if self._has_joined:
                await broadcast().leave(self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """What the page shows, or whether anybody is there."""
        asked = _parse(text_data or "")
        if asked is None:
            self.end(NONSENSE)
        elif "watch" in asked:
            self.names = frozenset(asked["watch"])
            self._answer = json.dumps({"watching": sorted(self.names)})
            self._go_on()
        else:
            self.offer(BEAT)

    def offer(self, text: str) -> None:
        """See Listener."""
        if self._sending:
            self._is_behind |= text != BEAT
        elif not self._ending:
            self._sending = asyncio.create_task(self._send(text))

    def end(self, code: int) -> None:
        """See Listener."""
        self._ending = self._ending or asyncio.create_task(self.close(code))

    async def _send(self, text: str) -> None:
        try:
            # Waits here while nobody reads.
            await self.send(text)
        except OSError:
            # The other end is gone: `disconnect` follows.
            return
        self._sending = None
        self._go_on()

    def _go_on(self) -> None:
        """Tell what could not be told before."""
        if self._sending:
            return
        if self._answer:
            text, self._answer = self._answer, ""
            self.offer(text)
        elif self._is_behind:
            self._is_behind = False
            self.offer(REFETCH)


def _places(scope: Scope) -> list[Place] | None:
    """What the address names; None if that makes no sense."""
    first = scope["url_route"]["kwargs"]
    places = {Place(str(first["kind"]), first["pk"]): None}
    [others] = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("with", [""])[:1]
    for name in filter(None, others.split(",")):
        kind, _, pk = name.partition("/")
        try:
            places[Place(kind, UUID(pk))] = None
        except ValueError:
            return None
    return list(places) if len(places) <= MAX_PLACES else None


def _parse(text: str) -> dict[str, Any] | None:
    """{"watch": [names]} or {"ping": true}; None for anything else."""
    try:
        asked = json.loads(text) if len(text) <= MAX_MESSAGE else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict):
        return None
    names = asked.get("watch")
    if names is None:
        return asked if "ping" in asked else None
    is_fine = isinstance(names, list) and len(names) <= MAX_NAMES and all(isinstance(n, str) for n in names)
    return asked if is_fine else None
