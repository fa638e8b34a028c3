"""Live news of one process: every event is heard once, checked once, and sent to all sockets that show its place.

What is promised, and how, is in docs/invariants/live.md.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from accounts.services.access import GROUP as ACCESS
from experiments.selectors.watching import Watcher, refusals
from mlplatform.http.live import group_name
from mlplatform.http.numbers import Numbers
from mlplatform.http.outage import OUTAGES
from mlplatform.http.rooms import News, Room, together

logger = logging.getLogger(__name__)
# News of a moment that belong together come within this time.
GATHER_S = 0.02
# Between two frames of one page.
FLUSH_S = 0.25
# Whether a message is missing.
COUNT_S = 2.0
# A page that hears nothing for longer takes its socket for dead.
BEAT_S = 10.0
# Of those who hear nothing, should the news that access has changed be lost.
RECHECK_S = 30.0
BEAT = '{"beat":true}'
# As in RFC 6455's registry: something unexpected here; come again.
INTERNAL_ERROR = 1011


class Listener(Protocol):
    """A socket; most watch one place."""

    watchers: Sequence[Watcher]
    # Metrics whose points it shows.
    names: frozenset[str]

    def offer(self, text: str) -> None:
        """Send it, or drop it if the reader is behind; never wait."""

    def end(self, code: int) -> None:
        """Close; never wait."""


class Broadcast:
    """All sockets of an event loop. It is subscribed to what they show, and runs while there are any."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._rooms: dict[str, Room] = {}
        self._listeners: dict[str, set[Listener]] = {}
        self._due = asyncio.Event()
        self._unchecked = False
        self._work: asyncio.Task[None] | None = None

    async def join(self, listener: Listener) -> None:
        """From now on it hears everything. Raises RedisError or OSError while Valkey is away."""
        async with self._lock:
            if self._work is None or self._work.done():
                await self._start()
            for group in _groups(listener):
                if group not in self._rooms:
                    await self._enter(group)
                self._listeners.setdefault(group, set()).add(listener)

    async def leave(self, listener: Listener) -> None:
        """It hears no more."""
        async with self._lock:
            for group in _groups(listener):
                there = self._listeners.get(group, set())
                there.discard(listener)
                if not there and group in self._rooms:
                    await self._exit(group)
            if not self._listeners:
                await self._stop()

    def refuse(self, listener: Listener, refused: Mapping[Watcher, int]) -> None:
        """It hears no more of places that it may not watch; if none is left, hang up."""
        codes = {watcher: refused[watcher] for watcher in listener.watchers if watcher in refused}
        for watcher in codes:
            self._listeners.get(group_name(*watcher.place), set()).discard(listener)
        if codes and len(codes) == len(listener.watchers):
            listener.end(min(codes.values()))

    async def _start(self) -> None:
        self._layer = get_channel_layer()
        self._numbers = Numbers()
        self._channel = await self._layer.new_channel()
        # After a defect there are rooms of pages that have not hung up yet; others may come to these, and are to hear.
        for group in dict.fromkeys((ACCESS, *self._rooms)):
            await self._enter(group)
        self._work = asyncio.create_task(self._run())

    async def _stop(self) -> None:
        if self._work:
            self._work.cancel()
            await asyncio.wait([self._work])
        for group in list(self._rooms):
            await self._exit(group)
        await self._numbers.close()
        self._work = None

    async def _enter(self, group: str) -> None:
        # In this order: what comes in between is heard and counted as heard before.
        await self._layer.group_add(group, self._channel)
        [newest] = await self._numbers.newest([group])
        self._rooms[group] = Room(newest)

    async def _exit(self, group: str) -> None:
        self._rooms.pop(group)
        self._listeners.pop(group, None)
        try:
            await self._layer.group_discard(group, self._channel)
        except (RedisError, OSError) as error:
            # It hears on in vain, which costs little.
            logger.info("%s is still heard: %s", group, error)

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear())
                tasks.create_task(self._flush_always())
                tasks.create_task(self._count_always())
                tasks.create_task(self._beat_always())
                tasks.create_task(self._recheck_always())
        except* Exception:
            logger.exception("Live news have stopped; every socket is closed, and comes again")
            for listener in self._everybody():
                listener.end(INTERNAL_ERROR)

    async def _hear(self) -> None:
        while True:
            message = await self._layer.receive(self._channel)
            if room := self._rooms.get(message["group"]):
                self._gather(room, message)

    def _gather(self, room: Room, message: dict[str, Any]) -> None:
        room.sequence.hear(message["number"])
        if message["group"] == ACCESS:
            self._unchecked = True
        else:
            there = self._listeners.get(message["group"], set())
            room.gather(message["events"], frozenset().union(*(each.names for each in there)))
        self._due.set()

    async def _flush_always(self) -> None:
        while True:
            await self._due.wait()
            await asyncio.sleep(GATHER_S)
            self._due.clear()
            await self._flush()
            await asyncio.sleep(FLUSH_S - GATHER_S)

    async def _flush(self) -> None:
        """Send what there is to those who may still hear it: they are asked for after it happened."""
        taken = {group: room.take() for group, room in self._rooms.items() if room.news}
        audience = {group: list(self._listeners.get(group, ())) for group in taken}
        everybody = self._unchecked
        checked = self._everybody() if everybody else {each for there in audience.values() for each in there}
        self._unchecked = False
        if not await self._check(checked):
            self._unchecked = everybody
            for room in (self._rooms[group] for group in taken if group in self._rooms):
                room.lose()
            self._due.set()
            return
        heard: dict[Listener, list[str]] = {}
        for group in taken:
            for listener in self._listeners.get(group, set()).intersection(audience[group]):
                heard.setdefault(listener, []).append(group)
        _send(taken, heard)

    async def _check(self, listeners: Collection[Listener]) -> bool:
        """Hang up on those who may not watch any more; False if PostgreSQL does not answer."""
        watchers = {watcher for listener in listeners for watcher in listener.watchers}
        try:
            refused = await database_sync_to_async(refusals)(watchers) if watchers else {}
        except OUTAGES as error:
            logger.warning("Live news wait, since nobody says who may hear them: %s", error)
            return False
        for listener in listeners:
            self.refuse(listener, refused)
        return True

    async def _count_always(self) -> None:
        while True:
            await asyncio.sleep(COUNT_S)
            groups = list(self._rooms)
            try:
                newest = await self._numbers.newest(groups)
            except (RedisError, OSError) as error:
                logger.info("Whether live news are missing is not known now: %s", error)
                continue
            for group, number in zip(groups, newest, strict=True):
                room = self._rooms.get(group)
                if room and not room.sequence.is_whole(number):
                    self._unchecked |= group == ACCESS
                    room.lose()
                    self._due.set()

    async def _beat_always(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for listener in self._everybody():
                listener.offer(BEAT)

    async def _recheck_always(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_S)
            self._unchecked = True
            self._due.set()

    def _everybody(self) -> set[Listener]:
        return {listener for there in self._listeners.values() for listener in there}


def _groups(listener: Listener) -> list[str]:
    return [group_name(*watcher.place) for watcher in listener.watchers]


def _send(news: Mapping[str, News], heard: Mapping[Listener, Sequence[str]]) -> None:
    """One frame to each, of the news of the groups that it hears; the same text to all who show the same."""
    frames: dict[tuple[tuple[str, ...], frozenset[str]], str | None] = {}
    for listener, groups in heard.items():
        shown = tuple(groups), listener.names
        if shown not in frames:
            frames[shown] = together([news[group] for group in groups]).frame(listener.names)
        if text := frames[shown]:
            listener.offer(text)


_broadcasts: "WeakKeyDictionary[asyncio.AbstractEventLoop, Broadcast]" = WeakKeyDictionary()


def broadcast() -> Broadcast:
    """The one of this event loop."""
    return _broadcasts.setdefault(asyncio.get_running_loop(), Broadcast())
