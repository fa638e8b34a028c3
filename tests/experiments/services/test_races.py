"""A person acts while a worker group is being given a run, each on a connection of their own."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from experiments.models import Checkpoint, Experiment, Run
from experiments.services import leasing
from experiments.services.control import (
    experiment_cancel,
    experiment_pause,
    experiment_resume,
    run_cancel,
    run_retry,
    runs_cancel,
)
from experiments.services.forking import run_fork
from experiments.services.leasing import Order, lease_next
from experiments.services.reconcile import reconcile
from runners.models import Allocation, Lease
from tests.fakes.runner import FakeRunner

pytestmark = pytest.mark.django_db(transaction=True)
Act = Callable[[], object]
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
PATIENCE_S = 20


@pytest.fixture
def while_leasing(allocation: Allocation, monkeypatch: pytest.MonkeyPatch) -> Callable[[Act], Order]:
    """Let somebody act while a lease of the first run is made but not committed; what the workers are told."""
    made, go_on = threading.Event(), threading.Event()
    payload = leasing._payload

    def slow(*args: Any) -> Order:
        made.set()
        assert go_on.wait(PATIENCE_S)
        return payload(*args)

    def in_thread(act: Act) -> Any:
        try:
            return act()
        finally:
            connection.close()

    def acting(act: Act) -> Order:
        monkeypatch.setattr(leasing, "_payload", slow)
        with ThreadPoolExecutor(2) as pool:
            lease = pool.submit(
                in_thread, lambda: lease_next(allocation=allocation, group_id="g", environment={})
            )
            assert made.wait(PATIENCE_S)
            action = pool.submit(in_thread, act)
            _until(lambda: action.done() or _somebody_waits())
            go_on.set()
            action.result(PATIENCE_S)
            order: Order = lease.result(PATIENCE_S)
        return order

    return acting


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def runs() -> list[tuple[str, str]]:
    return list(Run.objects.order_by("number").values_list("state", "stop_reason"))


def test_a_pause_reaches_a_run_that_is_being_leased(
    owner: User, experiment: Experiment, while_leasing: Callable[[Act], Order]
) -> None:
    order = while_leasing(lambda: experiment_pause(user=owner, experiment=experiment))
    assert order.order == "run"
    assert runs() == [("starting", "paused"), ("queued", "")]


def test_a_cancel_reaches_a_run_that_is_being_leased(
    owner: User, experiment: Experiment, while_leasing: Callable[[Act], Order]
) -> None:
    while_leasing(lambda: experiment_cancel(user=owner, experiment=experiment))
    assert runs() == [("starting", "canceled"), ("canceled", "")]


@pytest.mark.parametrize("several", [True, False])
def test_canceling_a_run_that_is_being_leased_asks_it_to_stop(
    owner: User, experiment: Experiment, while_leasing: Callable[[Act], Order], several: bool
) -> None:
    first = experiment.runs.select_related("experiment__project").get(number=1)
    if several:
        while_leasing(lambda: runs_cancel(user=owner, experiment=experiment, numbers=[1, 2]))
    else:
        while_leasing(lambda: run_cancel(user=owner, run=first))
    assert runs() == [("starting", "canceled"), ("canceled" if several else "queued", "")]


def test_a_resume_at_that_moment_leaves_it_alone(
    owner: User, experiment: Experiment, while_leasing: Callable[[Act], Order]
) -> None:
    """The lease was asked for before the pause, which has been taken back since."""

    def change_of_mind() -> None:
        experiment_pause(user=owner, experiment=experiment)
        experiment_resume(user=owner, experiment=experiment)

    while_leasing(change_of_mind)
    assert runs() == [("starting", ""), ("queued", "")]


def test_a_retry_and_a_fork_at_that_moment_are_leased_next(
    owner: User, experiment: Experiment, allocation: Allocation, while_leasing: Callable[[Act], Order]
) -> None:
    Run.objects.filter(number=2).update(state="failed", attempts_made=1)
    second = experiment.runs.select_related("experiment__project").get(number=2)
    Checkpoint.objects.create(run=second, attempt=1, step=2, path="/2", metrics={})

    def both() -> None:
        run_retry(user=owner, run=second)
        run_fork(user=owner, run=second)

    while_leasing(both)
    assert runs() == [("starting", ""), ("queued", ""), ("queued", "")]
    Lease.objects.update(released_at=Lease.objects.get().created_at)
    Run.objects.filter(number=1).update(state="completed")
    order = lease_next(allocation=allocation, group_id="g", environment={})
    assert order.run
    assert order.run["number"] == 2


def test_the_tick_pauses_what_was_leased_from_before_the_pause(
    owner: User, leased: Any, runner: FakeRunner
) -> None:
    """A request reads that the experiment is active, and takes the run when the pause is through."""
    Experiment.objects.update(state="paused")
    reconcile()
    _, run, _ = leased
    assert runs()[0] == ("starting", "paused")
    assert run.events.filter(kind="stop_requested", actor=None).count() == 1
    reconcile()
    assert run.events.filter(kind="stop_requested").count() == 1
