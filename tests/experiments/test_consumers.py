"""The live socket: who may watch, what it says, and that it never says too much."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from redis.exceptions import ConnectionError as ValkeyAway

from accounts.models import User
from experiments import broadcast as module
from experiments import consumers
from experiments.broadcast import broadcast
from experiments.models import Experiment
from experiments.selectors.watching import refusals
from mlplatform.http import rooms
from mlplatform.http.live import group_name
from mlplatform.http.numbers import Numbers
from mlplatform.http.outage import OUTAGES
from tests.experiments.live import LIMIT_S, ROUTES, RUN, Socket, points, signed_in, tell, until, watch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


@pytest.fixture(autouse=True)
def in_memory(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer of Valkey belongs to one event loop; each test has its own. And nothing beats in between."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    monkeypatch.setattr(module, "BEAT_S", 1000)


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent before a test is ready for it."""
    monkeypatch.setattr(module, "GATHER_S", 0.2)


async def test_nobody_is_turned_away(experiment: Experiment) -> None:
    page = Socket(None, "experiment", experiment.pk)
    await page.connect()
    assert await page.close_code() == 4401


@pytest.mark.parametrize("kind", ["project", "experiment", "run", "nonsense"])
async def test_stranger_is_told_that_nothing_is_there(
    kind: str, stranger: User, experiment: Experiment
) -> None:
    run = await experiment.runs.afirst()
    assert run
    pk = {"project": experiment.project_id, "run": run.pk}.get(kind, experiment.pk)
    page = Socket(await database_sync_to_async(signed_in)(stranger), kind, pk)
    await page.connect()
    assert await page.close_code() == 4404


async def test_unknown_id(owner: User) -> None:
    page = Socket(await database_sync_to_async(signed_in)(owner), "run", uuid.uuid4())
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


async def test_events_of_a_moment_are_one_frame(owner: User, experiment: Experiment, seldom: None) -> None:
    page = await watch(owner, "experiment", experiment.pk, "loss")
    for _ in range(3):
        await tell(experiment.pk, RUN)
    await tell(experiment.pk, {"what": "run", "run": "r2", "experiment": "e"})
    await tell(experiment.pk, {"what": "experiment", "experiment": "e"})
    await tell(experiment.pk, points(1, 2))
    await tell(experiment.pk, points(3, 3))
    told = await page.frame()
    assert told["changed"] == ["run:r1", "run:r2", "experiment:e"]
    assert [part["steps"] for part in told["points"]] == [[1, 2, 3]]
    assert (told["points"][0]["number"], told["points"][0]["count"]) == (3, 3)
    assert await page.receive_nothing(timeout=0.5)
    await tell(experiment.pk, RUN)
    assert (await page.frame())["changed"] == ["run:r1"]
    await page.leave()


async def test_points_come_to_those_who_show_them(owner: User, experiment: Experiment) -> None:
    pages = {
        name: await watch(owner, "experiment", experiment.pk, *name.split()) for name in ("loss", "", "a")
    }
    await tell(experiment.pk, points(1, 2))
    assert [part["name"] for part in (await pages["loss"].frame())["points"]] == ["loss"]
    await tell(experiment.pk, RUN)
    for name in ("", "a"):
        assert await pages[name].frame() == {"changed": ["run:r1"], "points": []}
    await pages[""].watch("loss", "a")
    await tell(experiment.pk, points(3, 3))
    assert [part["steps"] for part in (await pages[""].frame())["points"]] == [[3]]
    for page in pages.values():
        await page.leave()


async def test_too_much_becomes_one_refetch(
    owner: User, experiment: Experiment, seldom: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await watch(owner, "experiment", experiment.pk, "loss")
    for number in range(12):
        await tell(experiment.pk, points(1000 * number + 1, 1000 * number + 1000))
    assert await page.frame() == {"refetch": True}
    monkeypatch.setattr(rooms, "MAX_CHANGES", 5)
    for number in range(10):
        await tell(experiment.pk, {"what": "run", "run": str(number), "experiment": "e"})
    assert await page.frame() == {"refetch": True}
    assert await page.receive_nothing(timeout=0.5)
    await page.leave()


async def test_a_lost_message_becomes_a_refetch(
    owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COUNT_S", 0.05)
    page = await watch(owner, "experiment", experiment.pk)
    numbers = Numbers()
    await numbers.take([group_name("experiment", experiment.pk)])
    assert await page.frame() == {"refetch": True}
    await numbers.close()
    await page.leave()


@pytest.mark.parametrize("outage", OUTAGES)
async def test_while_nobody_says_who_may_hear_it_news_wait(
    outage: type[Exception],
    owner: User,
    experiment: Experiment,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = await watch(owner, "experiment", experiment.pk)
    asked = asyncio.Event()

    def away(watchers: Any) -> Any:
        asked.set()
        raise outage("PostgreSQL is away")

    monkeypatch.setattr(module, "refusals", away)
    await tell(experiment.pk, RUN)
    await asyncio.wait_for(asked.wait(), LIMIT_S)
    assert await page.receive_nothing(timeout=0.5)
    monkeypatch.setattr(module, "refusals", refusals)
    assert await page.frame() == {"refetch": True}
    assert "PostgreSQL is away" in caplog.text
    await page.leave()


async def test_a_defect_closes_the_sockets_and_the_next_ones_work(
    owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await watch(owner, "experiment", experiment.pk)
    with monkeypatch.context() as patch:
        patch.setattr(module, "refusals", lambda watchers: 1 / 0)
        await tell(experiment.pk, RUN)
        assert await page.close_code() == 1011
    page = await watch(owner, "experiment", experiment.pk)
    await tell(experiment.pk, RUN)
    assert (await page.frame())["changed"] == ["run:r1"]
    await page.leave()


async def test_after_a_defect_a_page_hears_where_another_has_not_hung_up_yet(
    owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = await watch(owner, "experiment", experiment.pk)
    with monkeypatch.context() as patch:
        patch.setattr(module, "refusals", lambda watchers: 1 / 0)
        await tell(experiment.pk, RUN)
        assert (await closed.receive_output(LIMIT_S))["type"] == "websocket.close"
    page = await watch(owner, "experiment", experiment.pk)
    await tell(experiment.pk, RUN)
    assert (await page.frame())["changed"] == ["run:r1"]
    await closed.leave()
    await page.leave()


@pytest.mark.parametrize("outage", OUTAGES)
async def test_while_postgresql_is_away_pages_are_to_come_again(
    outage: type[Exception], owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(watchers: Any) -> Any:
        raise outage("PostgreSQL is away")

    monkeypatch.setattr(consumers, "refusals", away)
    page = Socket(await database_sync_to_async(signed_in)(owner), "experiment", experiment.pk)
    await page.connect()
    assert await page.close_code() == 1013


async def test_while_valkey_is_away_pages_are_to_come_again(
    owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(numbers: Numbers, groups: list[str]) -> list[int]:
        raise ValkeyAway("gone")

    monkeypatch.setattr(Numbers, "newest", away)
    page = Socket(await database_sync_to_async(signed_in)(owner), "experiment", experiment.pk)
    await page.connect()
    assert await page.close_code() == 1013


async def test_a_page_is_answered_when_it_asks_and_when_it_does_not(
    owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await watch(owner, "experiment", experiment.pk)
    await page.say({"ping": True})
    assert await page.frame() == {"beat": True}
    await page.leave()
    monkeypatch.setattr(module, "BEAT_S", 0.05)
    page = await watch(owner, "experiment", experiment.pk)
    assert await page.frame() == {"beat": True}
    await page.leave()


@pytest.mark.parametrize(
    "asked",
    ["hello", [], {}, {"watch": "loss"}, {"watch": [1]}, {"watch": ["x"] * 51}, {"watch": ["x" * 20_000]}],
)
async def test_nonsense_is_hung_up_on(owner: User, experiment: Experiment, asked: Any) -> None:
    page = await watch(owner, "experiment", experiment.pk)
    await page.say(asked)
    assert await page.close_code() == 4400


async def test_deep_nonsense_is_hung_up_on(owner: User, experiment: Experiment) -> None:
    page = await watch(owner, "experiment", experiment.pk)
    await page.send_input({"type": "websocket.receive", "text": "[" * 16_000})
    assert await page.close_code() == 4400


async def test_a_slow_reader_is_told_to_refetch_and_holds_up_nobody(
    owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 0.03)
    caller = await database_sync_to_async(signed_in)(owner)
    reads = asyncio.Event()
    heard: list[Any] = []
    asked: asyncio.Queue[Any] = asyncio.Queue()

    async def send(message: dict[str, Any]) -> None:
        """As uvicorn does once the socket's buffer is full."""
        if message["type"] == "websocket.send" and "points" in message["text"]:
            await reads.wait()
        heard.append(json.loads(message.get("text", "null")))

    scope = Socket(caller, "experiment", experiment.pk).scope
    slow = asyncio.create_task(ROUTES(scope, asked.get, send))
    await asked.put({"type": "websocket.connect"})
    await asked.put({"type": "websocket.receive", "text": '{"watch": ["loss"]}'})
    await until(lambda: {"watching": ["loss"]} in heard)
    await asked.put({"type": "websocket.receive", "text": '{"watch": ["loss", "a"]}'})
    await until(lambda: {"watching": ["a", "loss"]} in heard)
    quick = await watch(owner, "experiment", experiment.pk, "loss")
    for step in range(1, 11):
        await tell(experiment.pk, points(step, step))
        assert (await quick.frame())["points"][0]["steps"] == [step]
    del heard[:]
    await asked.put({"type": "websocket.receive", "text": '{"watch": []}'})
    await until(lambda: any(not listener.names for listener in broadcast()._everybody()))
    reads.set()
    await until(lambda: len(heard) == 3)
    assert [part["steps"] for part in heard[0]["points"]] == [[1]]
    assert heard[1:] == [{"watching": []}, {"refetch": True}]
    await quick.leave()
    await asked.put({"type": "websocket.disconnect", "code": 1000})
    await asyncio.wait_for(slow, LIMIT_S)
    assert not broadcast()._listeners
