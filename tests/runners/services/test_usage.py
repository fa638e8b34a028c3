"""The ledger: every second of an allocation is in it once, in the right month, and stays."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from accounts.models import Project, User
from accounts.selectors.quotas import Tally
from mlplatform.kernel import clock
from runners.models import Allocation, UsageSlice
from runners.selectors.usage import hours_by_month, hours_in, month_span
from runners.services import usage
from runners.services.allocations import allocation_end
from runners.services.usage import days, usage_meter

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
Made = Callable[..., Allocation]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """It is that late."""

    def stand_still(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return stand_still


@pytest.fixture
def made(project: Project, owner: User) -> Made:
    """An allocation of 2 workers with 2 CPUs and half a GPU each."""

    def make(begun: datetime, **fields: Any) -> Allocation:
        given = {
            "owner_id": uuid.uuid4(),
            "project": project,
            "user": owner,
            "backend": "local",
            "state": "running",
            "workers": 2,
            "cpus_per_worker": 2,
            "gpus_per_worker": 0.5,
            "package_key": "packages/x.zip",
            "submitted_at": begun,
        }
        return Allocation.objects.create(**(given | fields))

    return make


def cpu_hours(project: Project, month: int) -> float:
    return Tally(hours_in(month)).of(("project", project.pk, None, ""), "cpu_hours")


def test_months_are_exact_whenever_the_clock_comes(
    made: Made, at: Callable[[datetime], None], project: Project, owner: User
) -> None:
    allocation = made(NEW_YEAR - timedelta(hours=30))
    for hours in (-20, -3, -0.001, 0, 0.5, 5):
        at(NEW_YEAR + timedelta(hours=hours))
        usage_meter()
        usage_meter()
        assert cpu_hours(project, 202612) == pytest.approx(4 * (30 + min(hours, 0)))
        assert cpu_hours(project, 202701) == pytest.approx(4 * max(hours, 0))
    allocation_end(allocation, "finished")
    assert cpu_hours(project, 202612) == 120
    assert cpu_hours(project, 202701) == 20
    spans = [(row.begun_at, row.ended_at, row.month) for row in UsageSlice.objects.all()]
    assert spans == [
        (NEW_YEAR - timedelta(hours=30), NEW_YEAR - timedelta(hours=24), 202612),
        (NEW_YEAR - timedelta(hours=24), NEW_YEAR, 202612),
        (NEW_YEAR, NEW_YEAR + timedelta(hours=5), 202701),
    ]
    months = hours_by_month(project.pk, 3)
    assert list(months) == [202701, 202612, 202611]
    assert months[202612] == [{"user_name": owner.username, "cpu_hours": 120, "gpu_hours": 30}]


def test_what_ended_unseen_is_counted_at_once_and_metered_later(
    made: Made, at: Callable[[datetime], None], project: Project
) -> None:
    made(NEW_YEAR, state="ended", ended_at=NEW_YEAR + timedelta(hours=1))
    at(NEW_YEAR + timedelta(hours=9))
    assert cpu_hours(project, 202701) == 4
    assert usage_meter() == 1
    assert cpu_hours(project, 202701) == 4
    assert Allocation.objects.get().is_metered
    assert usage_meter() == 0


def test_what_never_got_to_the_backend_used_nothing(made: Made, project: Project) -> None:
    allocation = made(NEW_YEAR, submitted_at=None, state="waiting")
    allocation_end(allocation, "not_needed")
    assert usage_meter() == 0
    assert cpu_hours(project, 202701) == 0


def test_the_database_refuses_to_change_the_ledger(made: Made) -> None:
    made(NEW_YEAR, state="ended", ended_at=NEW_YEAR + timedelta(hours=1))
    usage_meter()
    for act in (lambda: UsageSlice.objects.update(cpus=0), UsageSlice.objects.all().delete):
        with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
            act()
    assert UsageSlice.objects.get().cpus == 4


@pytest.mark.parametrize("what", ["project", "allocations", "person"])
def test_it_survives_whoever_is_deleted(
    made: Made, at: Callable[[datetime], None], project: Project, stranger: User, what: str
) -> None:
    made(NEW_YEAR, user=stranger)
    at(NEW_YEAR + timedelta(hours=2))
    {"project": project, "person": stranger}.get(what, Allocation.objects.all()).delete()
    row = UsageSlice.objects.get()
    assert (row.project_name, row.user_name, row.seconds) == ("Vision", "stranger", 7200)
    if what != "allocations":
        # What still runs is counted on, without the name.
        at(NEW_YEAR + timedelta(hours=3))
        allocation_end(Allocation.objects.get(), "finished")
        assert [row.seconds for row in UsageSlice.objects.all()] == [7200, 3600]


def test_a_crash_between_the_end_and_the_ledger_loses_nothing(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    allocation = made(clock.now() - timedelta(hours=1))
    with monkeypatch.context() as crashing:
        crashing.setattr("runners.services.allocations.usage_meter_some", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            allocation_end(allocation, "finished")
    allocation.refresh_from_db()
    assert (allocation.state, UsageSlice.objects.count()) == ("ended", 0)
    usage_meter()
    assert sum(row.seconds for row in UsageSlice.objects.all()) == pytest.approx(3600, abs=60)


def test_days_are_cut_in_utc() -> None:
    begun = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert list(days(begun, begun)) == []
    spans = list(days(begun, begun + timedelta(days=1)))
    assert spans == [(begun, NEW_YEAR), (NEW_YEAR, begun + timedelta(days=1))]
    assert month_span(202612) == (datetime(2026, 12, 1, tzinfo=UTC), NEW_YEAR)


@pytest.mark.django_db(transaction=True)
def test_those_who_meter_at_the_same_time_count_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = clock.now() - timedelta(days=40)
    for hours in range(5):
        made(begun, state="ended", ended_at=begun + timedelta(days=2, hours=hours))

    def meter(_: int) -> None:
        try:
            usage_meter()
        finally:
            connection.close()

    monkeypatch.setattr(usage, "AT_A_TIME", 2)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(meter, range(4)))
    total = sum(row.seconds for row in UsageSlice.objects.all())
    assert total == pytest.approx(5 * 2 * 86400 + 3600 * (1 + 2 + 3 + 4))
    assert not Allocation.objects.filter(Q(is_metered=False)).exists()
