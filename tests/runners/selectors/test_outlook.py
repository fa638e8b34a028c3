import uuid
from typing import Any

import pytest

from mlplatform.kernel import clock
from runners.models import Allocation
from runners.selectors.outlook import Outlook, outlook

pytestmark = pytest.mark.django_db


def held(state: str = "running", cpus: float = 1, **fields: Any) -> None:
    Allocation.objects.create(
        owner_id=uuid.uuid4(), backend="local", state=state, workers=1, cpus_per_worker=cpus,
        gpus_per_worker=0, package_key="x", **fields,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def four_cpus(settings: Any) -> None:
    settings.BACKENDS = {"local": settings.BACKENDS["local"] | {"cpus": 4, "gpus": 1, "memory": 0}}


def ask(cpus: float = 1, gpus: float = 0, count: int = 1) -> Outlook:
    return outlook("local", cpus=cpus, gpus=gpus, memory=0, count=count)


def test_an_idle_backend(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        assert ask(count=3) == Outlook(together=3, now=3, ahead=0, reason="")
    assert ask(count=9) == Outlook(4, 4, 0, "Needs 1 CPUs; 0 of 4 are free.")
    assert ask(gpus=1, count=2).together == 1


def test_what_others_hold_is_not_there() -> None:
    held(cpus=3)
    held("ended", cpus=4)
    assert ask(count=2) == Outlook(2, 1, 0, "Needs 1 CPUs; 0 of 4 are free.")
    assert ask(cpus=2) == Outlook(1, 0, 0, "Needs 2 CPUs; 1 of 4 are free.")


def test_nobody_overtakes() -> None:
    held(cpus=3)
    held("waiting", cpus=2)
    assert ask() == Outlook(1, 0, 1, "Waits behind an earlier one that needs more room.")


def test_warm_workers_make_room() -> None:
    held(cpus=4, idle_since=clock.now())
    assert ask(cpus=4) == Outlook(1, 1, 0, "")
