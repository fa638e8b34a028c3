"""Tell the pages that something changed. Groups are named `<kind>.<id>`; messages carry ids and points, never HTML."""

import asyncio
import itertools
import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from functools import cache
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from mlplatform.http.numbers import Numbers
from mlplatform.kernel.commit import on_commit

logger = logging.getLogger(__name__)
_numbers = itertools.count()
# Transactions whose news wait while Valkey hangs.
MAX_WAITING = 1000
RETRY_S = 1.0

Event = dict[str, Any]


def group_name(kind: str, pk: UUID | str) -> str:
    """Channel-layer group of one project, experiment or run."""
    return f"{kind}.{pk}"


def publish(groups: Sequence[str], event: Event) -> None:
    """Send an event to the pages that watch any of the groups, when the current transaction commits.

    The same news twice in one transaction is sent once; points are news every time. What cannot be sent leaves a gap in
    the numbers of its groups as soon as Valkey is back, so that their pages refetch.
    """
    key = next(_numbers) if "points" in event else (tuple(groups), tuple(sorted(event.items())))
    on_commit(_send, (groups, event), key)


def _send(events: Sequence[tuple[Sequence[str], Event]]) -> None:
    _sender().send(events)


class Sender:
    """Sends in the background, in order, from an event loop in a thread of its own.

    So nobody's answer waits for it, and the channel layer, which has connections per event loop, keeps its own.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0
        # Groups that missed something and have not been told so. As many as have news at a time.
        self._owed: set[str] = set()
        self._retry: asyncio.Task[None] | None = None
        self._numbers = Numbers()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="live", daemon=True).start()

    def send(self, events: Sequence[tuple[Sequence[str], Event]]) -> "Future[None]":
        """Send after what was given before; the future is for those who want to wait."""
        return asyncio.run_coroutine_threadsafe(self._send(events), self._loop)

    async def _send(self, events: Sequence[tuple[Sequence[str], Event]]) -> None:
        news: dict[str, list[Event]] = {}
        for groups, event in events:
            for group in groups:
                news.setdefault(group, []).append(event)
        if self._waiting >= MAX_WAITING:
            logger.warning("%d live events dropped: Valkey does not take them in time", len(events))
            self._owe(news)
            return
        self._waiting += 1
        try:
            async with self._turn:
                await self._send_all(news)
        except (RedisError, OSError) as error:
            logger.warning("%d live events not sent: %s", len(events), error)
            self._owe(news)
        finally:
            self._waiting -= 1

    async def _send_all(self, news: dict[str, list[Event]]) -> None:
        layer = get_channel_layer()
        numbers = await self._numbers.take(list(news))
        # One message per group: each costs half a millisecond, and a run's end has news of many kinds.
        for (group, events), number in zip(news.items(), numbers, strict=True):
            message = {"type": "live.events", "group": group, "number": number, "events": events}
            await layer.group_send(group, message)

    def _owe(self, groups: Iterable[str]) -> None:
        self._owed.update(groups)
        if self._retry is None or self._retry.done():
            self._retry = asyncio.create_task(self._leave_gaps())

    async def _leave_gaps(self) -> None:
        """Take a number of each group that missed something, and send nothing with it."""
        while self._owed:
            await asyncio.sleep(RETRY_S)
            owed = list(self._owed)
            try:
                await self._numbers.take(owed)
            except (RedisError, OSError) as error:
                logger.info("%d groups miss live events, and cannot be told so yet: %s", len(owed), error)
            else:
                self._owed.difference_update(owed)


@cache
def _sender() -> Sender:
    """One per process; a process that forks has none yet."""
    return Sender()
