from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.db.models import QuerySet

from experiments.models import Run
from experiments.services.leasing import lease_next
from experiments.services.losses import losses_settle, run_lost
from experiments.services.reconcile import reconcile
from mlplatform.kernel import clock
from runners.models import Lease
from runners.port import JobPoll, JobStatus
from runners.services import leases, outage
from runners.services.allocations import allocation_end
from tests.experiments.conftest import Wait
from tests.fakes.runner import FakeRunner


@pytest.fixture
def portal_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reconciler has ticked all the time, and workers can reach the web."""
    cache.set(outage.KEY, clock.now().timestamp())
    monkeypatch.setattr(leases, "portal_was_away", lambda: False)


def late(seconds: float) -> Any:
    return clock.now() - timedelta(seconds=seconds)


def test_a_run_whose_lease_expired_is_queued_again(leased: Any, portal_is_up: None) -> None:
    _, run, _ = leased
    Lease.objects.update(expires_at=late(1))
    losses_settle()
    run.refresh_from_db()
    assert run.state == "queued"
    assert run.attempts.get().cause_code == "lease_lost"


def test_silence_while_the_web_was_down_is_not_held_against_a_run(
    leased: Any, portal_is_up: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "portal_was_away", lambda: True)
    Lease.objects.update(expires_at=late(100))
    leases.leases_release_expired()
    lease = Lease.objects.get()
    assert lease.released_at is None
    assert lease.expires_at > clock.now()


def test_silence_while_the_reconciler_was_stopped_is_not_either(leased: Any, portal_is_up: None) -> None:
    cache.set(outage.KEY, late(600).timestamp())
    Lease.objects.update(expires_at=late(100))
    leases.leases_release_expired()
    assert Lease.objects.get().released_at is None
    Lease.objects.update(expires_at=late(1))
    leases.leases_release_expired()
    assert Lease.objects.get().release_reason == "lease_lost"


def test_silence_while_the_database_was_away_is_not_either(
    leased: Any, portal_is_up: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.set(outage.KEY, late(600).timestamp())
    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "exists", mock.Mock(side_effect=OperationalError))
        with pytest.raises(OperationalError):
            leases.leases_release_expired()
    Lease.objects.update(expires_at=late(1))
    leases.leases_release_expired()
    assert Lease.objects.get().released_at is None


def test_what_was_asked_to_stop_and_was_lost_counts_as_stopped(leased: Any, portal_is_up: None) -> None:
    _, run, _ = leased
    for reason, state in (("paused", "queued"), ("pruned", "pruned")):
        Run.objects.filter(pk=run.pk).update(
            state="running", stop_reason=reason, stop_requested_at=clock.now()
        )
        Lease.objects.update(released_at=clock.now(), release_reason="worker_died")
        losses_settle()
        run.refresh_from_db()
        assert (run.state, run.losses, run.cause_code) == (state, 0, "")
        assert "died without raising" in run.events.last().message
    assert run.attempts.get().cause_code == "worker_died"


def test_a_dead_worker_is_noticed_in_time_however_slow_the_ticks_are(
    leased: Any, portal_is_up: None, wait: Wait, runner: FakeRunner
) -> None:
    """A tick takes as long as three passes."""
    allocation, run, _ = leased
    runner.polls[allocation.submission_id] = JobPoll(JobStatus.RUNNING)
    for pass_number in range(7):
        if pass_number % 3 == 0:
            reconcile()
        wait(timedelta(seconds=2))
        losses_settle()
    run.refresh_from_db()
    assert (run.state, run.attempts.get().cause_code) == ("queued", "lease_lost")


@pytest.mark.usefixtures("leased", "portal_is_up")
def test_a_loss_that_cannot_be_settled_does_not_hold_up_others(monkeypatch: pytest.MonkeyPatch) -> None:
    Run.objects.filter(number=2).update(state="running", attempt_started_at=late(60))
    Lease.objects.update(released_at=clock.now(), release_reason="worker_died")

    def fail(run: Run, lease: Lease | None) -> bool:
        if run.number == 2:
            raise ValueError("broken")
        return run_lost(run, lease)

    monkeypatch.setattr("experiments.services.losses.run_lost", fail)
    losses_settle()
    assert list(Run.objects.order_by("number").values_list("state", flat=True)) == ["queued", "running"]


@pytest.mark.parametrize(
    ("reason", "state", "code"),
    [
        ("canceled", "canceled", "stop_timeout"),
        ("pruned", "pruned", "stop_timeout"),
        ("budget", "canceled", "budget_time"),
        ("not_finite", "failed", "objective_not_finite"),
        ("paused", "queued", ""),
    ],
)
def test_who_ignores_a_stop_is_told_so(leased: Any, reason: str, state: str, code: str) -> None:
    allocation, run, _ = leased
    Run.objects.filter(pk=run.pk).update(
        state="running", stop_reason=reason, stop_requested_at=clock.now(), progress=0.5
    )
    allocation_end(allocation, "stop_timeout")
    losses_settle()
    run.refresh_from_db()
    assert (run.state, run.cause_code) == (state, code)
    words = "It did not stop in time when asked to"
    assert words in run.events.last().message
    assert (words in run.cause_message) is (state != "queued")
    assert run.attempts.get().cause_code == "stop_timeout"


@pytest.fixture
def lose(leased: Any) -> Callable[..., Run]:
    """The run's attempt is lost, and its group asks for the next one until it gets the run again."""
    allocation, run, _ = leased

    def again(reason: str, *, times: int = 1) -> Run:
        for _ in range(times):
            Lease.objects.filter(released_at=None).update(released_at=clock.now(), release_reason=reason)
            losses_settle()
            Run.objects.filter(pk=run.pk).update(not_before=None)
            lease_next(allocation=allocation, group_id=allocation.group_id, environment={})
        run.refresh_from_db()
        return run

    return again


def test_only_deaths_are_held_against_a_run(lose: Callable[..., Run]) -> None:
    for reason in ("backend_lost", "node_lost", "lease_lost", "stop_timeout"):
        run = lose(reason)
        assert (run.state, run.losses, run.waiting_reason) == ("starting", 0, "")
    assert lose("worker_died").losses == 1
    assert lose("backend_lost", times=5).losses == 1
    assert lose("out_of_memory").losses == 2
    run = lose("worker_died")
    assert (run.state, run.cause_code) == ("failed", "worker_died")
    assert "took down 3 worker groups in a row" in run.cause_message


def test_nothing_is_lost_for_ever_and_the_number_is_the_right_one(
    lose: Callable[..., Run], settings: Any
) -> None:
    settings.MAX_LOST_IN_ALL = 5
    lose("worker_died")
    run = lose("backend_lost", times=4)
    assert (run.state, run.cause_code) == ("failed", "backend_lost")
    assert "It was lost 5 times in all and is not tried again." in run.cause_message


def test_what_is_not_its_own_doing_costs_it_no_time(leased: Any) -> None:
    _, run, _ = leased
    Run.objects.filter(pk=run.pk).update(losses=2)
    Lease.objects.update(released_at=clock.now(), release_reason="backend_lost")
    losses_settle()
    run.refresh_from_db()
    assert (run.state, run.losses, run.not_before) == ("queued", 2, None)
