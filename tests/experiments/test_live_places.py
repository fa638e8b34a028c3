"""A page that watches several places: the dashboard, the queue."""

import uuid
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from accounts.models import Membership, User
from accounts.services.access import GROUP as ACCESS
from experiments import broadcast as module
from experiments import consumers
from experiments.broadcast import broadcast
from experiments.models import Experiment
from mlplatform.http.live import group_name
from runners.models import Allocation
from runners.places import QUEUE
from runners.services.allocations import allocation_drain
from tests.experiments.live import Socket, points, signed_in, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


@pytest.fixture(autouse=True)
def in_memory(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    monkeypatch.setattr(module, "BEAT_S", 1000)
    monkeypatch.setattr(module, "GATHER_S", 0.1)


async def socket(user: User, experiment: Experiment, others: str) -> Socket:
    page = Socket(await database_sync_to_async(signed_in)(user), "experiment", experiment.pk, others)
    await page.connect()
    return page


async def test_news_of_all_places_are_one_frame(owner: User, experiment: Experiment) -> None:
    page = await socket(owner, experiment, f"project/{experiment.project_id}")
    await page.watch("loss")
    await tell(experiment.pk, {"what": "run", "run": "r1"})
    await tell(experiment.pk, points(1, 2))
    await tell(experiment.project_id, {"what": "experiment", "experiment": "e"}, "project")
    told = await page.frame()
    assert sorted(told["changed"]) == ["experiment:e", "run:r1"]
    assert [part["steps"] for part in told["points"]] == [[1, 2]]
    await page.leave()
    assert group_name("project", experiment.project_id) not in get_channel_layer().groups
    assert not broadcast()._listeners


async def test_everybody_hears_that_the_line_changed_and_nobody_else(
    stranger: User, experiment: Experiment, allocation: Allocation
) -> None:
    page = Socket(await database_sync_to_async(signed_in)(stranger), *QUEUE)
    await page.connect()
    await page.watch()
    assert await database_sync_to_async(allocation_drain)(allocation)
    assert (await page.frame())["changed"] == ["queue:"]
    await page.leave()
    nobody = Socket(None, *QUEUE)
    await nobody.connect()
    assert await nobody.close_code() == 4401


async def test_what_one_may_not_see_is_silent_and_the_rest_goes_on(
    stranger: User, owner: User, experiment: Experiment
) -> None:
    missing = f"experiment/{uuid.uuid4()},nonsense/{uuid.uuid4()}"
    page = await socket(owner, experiment, missing)
    await page.watch()
    await tell(experiment.pk, {"what": "run", "run": "r1"})
    assert (await page.frame())["changed"] == ["run:r1"]
    await page.leave()
    page = await socket(stranger, experiment, f"project/{experiment.project_id}")
    assert await page.close_code() == 4404


async def test_a_role_that_ends_ends_its_places(viewer: User, experiment: Experiment) -> None:
    page = await socket(viewer, experiment, f"project/{experiment.project_id}")
    await page.watch()
    await Membership.objects.filter(user=viewer).adelete()
    await tell(ACCESS, {"what": ACCESS})
    await tell(experiment.project_id, {"what": "experiment", "experiment": "e"}, "project")
    assert await page.close_code() == 4404


@pytest.mark.parametrize("others", ["run/1", "run", "run/x,run/y"])
async def test_nonsense_is_hung_up_on(others: str, owner: User, experiment: Experiment) -> None:
    page = await socket(owner, experiment, others)
    assert await page.close_code() == 4400


async def test_too_many_places(owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "MAX_PLACES", 2)
    page = await socket(owner, experiment, ",".join(f"run/{uuid.uuid4()}" for _ in range(2)))
    assert await page.close_code() == 4400
