"""The same message twice, at the same moment, in threads with connections of their own: nothing happens twice."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from experiments.models import (
    Attempt,
    Checkpoint,
    DiscardedFolder,
    Experiment,
    MetricBatch,
    Run,
    RunEvent,
    RunMetric,
    TrackingSync,
)
from experiments.services import losses, pruning, reconcile, retention, searching, tracking_sync
from experiments.services.ingest import batch_ingest
from experiments.services.leasing import Order, lease_next
from experiments.telemetry import parse_batch
from mlplatform.kernel import clock
from runners.models import Allocation, Lease
from runners.services import leases, outage
from runners.services.leases import Fenced
from tests.experiments.conftest import Finish
from tests.fakes.runner import FakeRunner
from tests.fakes.tracking_store import FakeTrackingStore

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 4


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make the calls at the same moment, each in a thread; what they returned, or the first error."""
    together = threading.Barrier(len(calls), timeout=30)

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            together.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reconciler whose logged errors fail the test, and that nobody was away from."""
    cache.set(outage.KEY, clock.now().timestamp())
    monkeypatch.setattr(leases, "portal_was_away", lambda: False)
    for module in (losses, reconcile):
        monkeypatch.setattr(module.logger, "exception", pytest.fail)


@pytest.mark.usefixtures("strict")
def test_ticks_at_once_ask_for_resources_once(experiment: Experiment, runner: FakeRunner) -> None:
    Experiment.objects.update(max_parallel=2)
    at_once(*[reconcile.reconcile] * TIMES)
    assert Allocation.objects.filter(state="submitted").count() == Allocation.objects.count() == 2
    assert len(runner.jobs) == 2


@pytest.mark.usefixtures("strict", "runner")
def test_turns_at_once_propose_each_set_once(experiment: Experiment) -> None:
    space = {"lr": {"type": "float", "min": 0.01, "max": 0.1}}
    search = {"method": "random", "runs": 5, "repeat": 2, "seed": 0, "space": space}
    Experiment.objects.update(search=search)
    at_once(*[lambda: searching.sets_propose(experiment.pk)] * TIMES)
    made = Run.objects.filter(searched=True)
    assert sorted(made.values_list("set_number", "repeat")) == [(s, r) for s in range(3, 8) for r in (1, 2)]
    assert RunEvent.objects.filter(run__in=made, kind="queued").count() == 10


@pytest.mark.usefixtures("strict", "runner")
def test_passes_at_once_find_a_lost_run_once(leased: Any) -> None:
    _, run, _ = leased
    Lease.objects.update(released_at=clock.now(), release_reason="worker_died")
    at_once(*[losses.losses_settle] * TIMES)
    run.refresh_from_db()
    assert (run.state, run.losses) == ("queued", 1)
    assert run.events.filter(kind="lost").count() == 1


@pytest.mark.usefixtures("strict", "runner")
def test_ticks_at_once_complete_an_experiment_once(experiment: Experiment) -> None:
    experiment.runs.update(state="completed")
    at_once(*[reconcile.reconcile] * TIMES)
    assert RunEvent.objects.filter(run=None, kind="completed").count() == 1


def lease(allocation: Allocation, group: str) -> Callable[[], Order]:
    return lambda: lease_next(allocation=allocation, group_id=group, environment={})


def test_a_group_that_asks_twice_gets_one_run(allocation: Allocation) -> None:
    orders = at_once(*[lease(allocation, "one")] * TIMES)
    assert len({order.run["fence"] for order in orders}) == 1
    assert Lease.objects.count() == Attempt.objects.count() == 1
    assert list(Run.objects.values_list("state", "attempts_made")) == [("starting", 1), ("queued", 0)]


def test_groups_that_ask_at_once_get_different_runs(allocation: Allocation) -> None:
    second = Allocation.objects.get(pk=allocation.pk)
    second.pk, second._state.adding = None, True
    second.save()
    orders = at_once(lease(allocation, "one"), lease(second, "two"))
    assert {order.run["number"] for order in orders} == {1, 2}


def test_of_two_groups_of_a_job_one_holds_the_run(allocation: Allocation) -> None:
    """Only one of them is alive, and the one that came last is that."""
    at_once(lease(allocation, "one"), lease(allocation, "two"))
    active = Lease.objects.get(released_at=None)
    assert active.group_id == Allocation.objects.get().group_id
    under_way = Run.objects.get(state="starting")
    assert (under_way.pk, under_way.attempts_made) == (active.subject_id, active.attempt)


def post(leased: Any, **content: Any) -> Callable[[], Any]:
    allocation, run, order = leased
    keys = {"attempt": order["attempt"], "fence": order["fence"], "rank": 0}
    batch = parse_batch(keys | content)
    return lambda: batch_ingest(allocation=allocation, run_id=run.id, batch=batch)


def test_a_batch_that_comes_twice_counts_once(leased: Any) -> None:
    points = [{"name": "loss", "steps": [1, 2], "values": [0.5, 0.25], "times": [1.0, 2.0]}]
    checkpoint = {"path": "file:///c", "step": 2, "metrics": {}}
    receipts = at_once(*[post(leased, seq=1, points=points, checkpoint=checkpoint, log="hello\n")] * TIMES)
    assert {receipt.expected for receipt in receipts} == {2}
    assert (MetricBatch.objects.count(), RunMetric.objects.get().count, Checkpoint.objects.count()) == (
        1,
        2,
        1,
    )
    assert list(leased[1].events.values_list("kind", flat=True)) == ["queued", "starting", "running"]


def test_an_end_that_comes_twice_ends_once(leased: Any) -> None:
    at_once(*[post(leased, seq=1, end={"outcome": "completed", "cause": None})] * TIMES)
    _, run, _ = leased
    assert run.events.filter(kind="completed").count() == 1
    assert TrackingSync.objects.count() == 1
    assert Lease.objects.get().release_reason == "completed"


def test_a_failure_that_comes_twice_uses_one_retry(leased: Any) -> None:
    Experiment.objects.update(max_retries=3)
    at_once(*[post(leased, seq=1, end={"outcome": "failed", "cause": None})] * TIMES)
    _, run, _ = leased
    run.refresh_from_db()
    assert (run.state, run.failures) == ("queued", 1)


@pytest.mark.usefixtures("strict", "runner")
def test_an_end_and_the_end_of_the_lease_at_once_settle_on_one(leased: Any) -> None:
    Lease.objects.update(expires_at=clock.now())
    end = post(leased, seq=1, end={"outcome": "completed", "cause": None})

    def late() -> str:
        try:
            return str(end().order)
        except Fenced:
            return "fenced"

    said, *_ = at_once(late, losses.losses_settle, losses.losses_settle)
    # While the end had the run's lock, both have passed it over.
    losses.losses_settle()
    _, run, _ = leased
    run.refresh_from_db()
    outcome = ("queued", "lost") if said == "fenced" else ("completed", "completed")
    assert (run.state, run.attempts.get().outcome) == outcome
    assert run.events.filter(kind__in=["lost", "completed"]).count() == 1


class Harsh:
    """A pruner to which nothing is good enough."""

    def prunes(self, *_: object) -> bool:
        return True


def test_a_run_judged_twice_is_stopped_once(leased: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Experiment.objects.update(objective_metric="loss")
    post(leased, seq=1, points=[{"name": "loss", "steps": [1], "values": [0.5], "times": [1.0]}])()
    monkeypatch.setattr(pruning, "pruner_of", lambda run: Harsh())
    _, run, _ = leased
    stopped = at_once(*[lambda: pruning.run_judge(run.id, 1)] * TIMES)
    assert sorted(stopped) == [False] * (TIMES - 1) + [True]
    assert run.events.filter(kind="stop_requested").count() == 1


def test_checkpoints_thinned_out_twice_are_deleted_once(finish: Finish, storage_path: Path) -> None:
    run = finish(1, models_at=(1, 2), accuracy=(0.1, 0.5, 0.9))
    counts = at_once(*[lambda: retention.checkpoints_thin_out(run.id)] * TIMES)
    assert sorted(counts) == [0] * (TIMES - 1) + [2]
    assert list(run.checkpoints.values_list("step", flat=True)) == [3]
    at_once(*[retention.discarded_delete] * TIMES)
    assert not DiscardedFolder.objects.exists()
    assert not list(storage_path.glob("runs/*/*/*"))


def test_the_tracker_is_told_once(finish: Finish, tracker: FakeTrackingStore) -> None:
    finish(1)
    at_once(*[tracking_sync.sync_due] * TIMES)
    assert tracker.calls.count("record_run") == 1
    assert TrackingSync.objects.get().synced_at
