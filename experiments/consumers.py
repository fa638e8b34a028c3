"""The live socket of a page: watches one project, experiment or run, and says what changed a few times per second.

Text frames are JSON: {"changed": ["run:<id>", ...], "points": [...]} or, when too much happened, {"refetch": true}.
Close codes: 4401 not signed in, 4404 nothing there or not for you.
"""

import asyncio
import contextlib
import json
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from accounts.models import Project, User
from accounts.permissions import allowed
from experiments.models import Experiment, Run
from mlplatform.http.live import group_name
from mlplatform.kernel import clock

FLUSH_SECONDS = 0.3
# One frame holds at most this many points; above it, fetching the thinned series again is cheaper.
MAX_POINTS = 5000
MAX_CHANGES = 200
# Somebody who loses a role stops hearing of changes within this time.
RECHECK_SECONDS = 30
NOT_SIGNED_IN = 4401
NOT_FOUND = 4404


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One page. Events are gathered for a moment and sent as one frame; the buffer is bounded."""

    group = ""
    flush_task: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept first: a browser learns the code of a close only after the handshake."""
        await self.accept()
        self._forget()
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.close(NOT_SIGNED_IN)
            return
        place = self.scope["url_route"]["kwargs"]
        self.kind, self.pk = str(place["kind"]), place["pk"]
        if not await self._may_watch():
            await self.close(NOT_FOUND)
            return
        self.group = group_name(self.kind, self.pk)
        await self.channel_layer.group_add(self.group, self.channel_name)

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        if self.flush_task:
            self.flush_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.flush_task
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pages have nothing to say."""

    async def live_events(self, message: dict[str, Any]) -> None:
        """Events of mlplatform.http.live: put them into the next frame."""
        for event in message["events"]:
            if not self.overflow:
                self._gather(event)
        if self.flush_task is None or self.flush_task.done():
            self.flush_task = asyncio.create_task(self._flush_later())

    def _gather(self, event: dict[str, Any]) -> None:
        what = event["what"]
        if what == "points":
            self.points.append({key: event[key] for key in ("run", "number", "points")})
            self.point_count += sum(len(item["steps"]) for item in event["points"])
        else:
            self.changed.setdefault(f"{what}:{event.get(what) or event.get('run') or event.get('project')}")
        if self.point_count > MAX_POINTS or len(self.changed) > MAX_CHANGES:
            self._forget(overflow=True)

    def _forget(self, *, overflow: bool = False) -> None:
        self.changed: dict[str, None] = {}
        self.points: list[dict[str, Any]] = []
        self.point_count = 0
        self.overflow = overflow

    async def _flush_later(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        if (clock.now() - self.checked_at).total_seconds() > RECHECK_SECONDS and not await self._may_watch():
            await self.close(NOT_FOUND)
            return
        frame = {"refetch": True} if self.overflow else {"changed": list(self.changed), "points": self.points}
        self._forget()
        # A slow reader blocks here; meanwhile events meet the bound above and become one refetch.
        await self.send(json.dumps(frame))
        if self.changed or self.points or self.overflow:
            self.flush_task = asyncio.create_task(self._flush_later())

    async def _may_watch(self) -> bool:
        self.checked_at = clock.now()
        may: bool = await database_sync_to_async(may_watch)(self.scope["user"].pk, self.kind, self.pk)
        return may


def may_watch(user_id: int | None, kind: str, pk: UUID) -> bool:
    """Whether the person, as of now, may see the project, experiment or run. At most three queries."""
    user = User.objects.filter(pk=user_id).first() if user_id else None
    projects = Project.objects.all()
    match kind:
        case "project":
            project = projects.filter(pk=pk).first()
        case "experiment":
            project = projects.filter(pk__in=Experiment.objects.filter(pk=pk).values("project")).first()
        case "run":
            project = projects.filter(pk__in=Run.objects.filter(pk=pk).values("experiment__project")).first()
        case _:
            return False
    return project is not None and user is not None and allowed(user, "view", project)
