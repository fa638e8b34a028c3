"""The live socket: who may watch, what it says, and that it never says too much."""

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser
from django.urls import path

from accounts.models import Membership, Project, User
from experiments import consumers
from experiments.consumers import LiveConsumer
from experiments.models import Experiment
from mlplatform.http.live import group_name
from mlplatform.kernel import clock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

ROUTES = URLRouter([path("ws/live/<str:kind>/<uuid:pk>/", LiveConsumer.as_asgi())])


@pytest.fixture(autouse=True)
def in_memory(settings: Any) -> None:
    """The layer of Valkey belongs to one event loop; each test has its own."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


class Socket(ApplicationCommunicator):
    """The browser's end. (channels.testing has one too, but it needs Daphne.)"""

    def __init__(self, user: User | AnonymousUser | None, kind: str, pk: uuid.UUID) -> None:
        super().__init__(ROUTES, {"type": "websocket", "path": f"/ws/live/{kind}/{pk}/", "user": user})

    async def connect(self) -> None:
        """The handshake succeeds always: a refusal is a close with a code."""
        await self.send_input({"type": "websocket.connect"})
        assert (await self.receive_output(3))["type"] == "websocket.accept"

    async def frame(self) -> dict[str, Any]:
        """The next message."""
        found: dict[str, Any] = json.loads((await self.receive_output(3))["text"])
        return found

    async def close_code(self) -> int:
        """The server hangs up."""
        message = await self.receive_output(3)
        assert message["type"] == "websocket.close"
        return int(message["code"])

    async def leave(self) -> None:
        """The browser hangs up."""
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(3)


async def watch(user: User, kind: str, pk: uuid.UUID) -> Socket:
    page = Socket(user, kind, pk)
    await page.connect()
    # Joining the group happens right after the handshake.
    for _ in range(100):
        if group_name(kind, pk) in get_channel_layer().groups:
            return page
        await asyncio.sleep(0.01)
    raise AssertionError("never joined the group")


async def tell(pk: uuid.UUID, event: dict[str, Any], kind: str = "experiment") -> None:
    await get_channel_layer().group_send(group_name(kind, pk), {"type": "live.events", "events": [event]})


def points(count: int) -> dict[str, Any]:
    item = {"name": "loss", "steps": list(range(count)), "values": [0.5] * count, "times": [0.0] * count}
    return {"what": "points", "run": "r", "number": 3, "points": [item]}


@pytest.mark.parametrize("user", [None, AnonymousUser()])
async def test_anonymous_is_turned_away(user: AnonymousUser | None, experiment: Experiment) -> None:
    page = Socket(user, "experiment", experiment.pk)
    await page.connect()
    assert await page.close_code() == 4401


@pytest.mark.parametrize("kind", ["project", "experiment", "run", "nonsense"])
async def test_stranger_is_told_that_nothing_is_there(
    kind: str, stranger: User, experiment: Experiment
) -> None:
    run = await experiment.runs.afirst()
    assert run
    pk = {"project": experiment.project_id, "run": run.pk}.get(kind, experiment.pk)
    page = Socket(stranger, kind, pk)
    await page.connect()
    assert await page.close_code() == 4404


async def test_unknown_id(owner: User) -> None:
    page = Socket(owner, "run", uuid.uuid4())
    await page.connect()
    assert await page.close_code() == 4404


async def test_members_watch_everything(viewer: User, experiment: Experiment) -> None:
    run = await experiment.runs.afirst()
    assert run
    for kind, pk in (("project", experiment.project_id), ("experiment", experiment.pk), ("run", run.pk)):
        page = await watch(viewer, kind, pk)
        await tell(pk, {"what": "log", "run": "r"}, kind)
        assert (await page.frame())["changed"] == ["log:r"]
        await page.leave()
        assert group_name(kind, pk) not in get_channel_layer().groups


async def test_events_of_a_moment_are_one_frame(owner: User, experiment: Experiment) -> None:
    page = await watch(owner, "experiment", experiment.pk)
    for _ in range(3):
        await tell(experiment.pk, {"what": "run", "run": "r1", "experiment": "e"})
    await tell(experiment.pk, {"what": "run", "run": "r2", "experiment": "e"})
    await tell(experiment.pk, {"what": "experiment", "experiment": "e"})
    await tell(experiment.pk, {"what": "model", "project": "p"})
    await tell(experiment.pk, points(2))
    told = await page.frame()
    assert told["changed"] == ["run:r1", "run:r2", "experiment:e", "model:p"]
    assert told["points"][0]["number"] == 3
    assert told["points"][0]["points"][0]["steps"] == [0, 1]
    assert await page.receive_nothing(timeout=0.5)
    await tell(experiment.pk, {"what": "run", "run": "r1", "experiment": "e"})
    assert (await page.frame())["changed"] == ["run:r1"]
    await page.leave()


async def test_too_many_points_become_one_refetch(owner: User, experiment: Experiment) -> None:
    page = await watch(owner, "experiment", experiment.pk)
    for _ in range(12):
        await tell(experiment.pk, points(1000))
    assert await page.frame() == {"refetch": True}
    await page.leave()


async def test_too_many_changes_become_one_refetch(
    owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MAX_CHANGES", 5)
    page = await watch(owner, "experiment", experiment.pk)
    for number in range(10):
        await tell(experiment.pk, {"what": "run", "run": str(number), "experiment": "e"})
    assert await page.frame() == {"refetch": True}
    await page.leave()


async def test_who_loses_the_role_hears_no_more(
    viewer: User, project: Project, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await watch(viewer, "experiment", experiment.pk)
    await Membership.objects.filter(user=viewer, project=project).adelete()
    later = clock.now() + timedelta(seconds=consumers.RECHECK_SECONDS + 1)
    monkeypatch.setattr(clock, "now", lambda: later)
    await tell(experiment.pk, {"what": "run", "run": "r1", "experiment": "e"})
    assert await page.close_code() == 4404


async def test_pages_have_nothing_to_say(owner: User, experiment: Experiment) -> None:
    page = await watch(owner, "experiment", experiment.pk)
    await page.send_input({"type": "websocket.receive", "text": "hello"})
    assert await page.receive_nothing(timeout=0.1)
    await page.leave()
