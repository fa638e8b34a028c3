from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.db.models import QuerySet

from experiments.models import Run
from experiments.services.lifecycle import run_lost
from experiments.services.losses import losses_settle
from experiments.services.reconcile import reconcile
from mlplatform.kernel import clock
from runners.models import Lease
from runners.port import JobPoll, JobStatus
from runners.services import leases, outage
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
    assert (run.state, run.losses) == ("queued", 1)
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
    assert (run.state, run.losses) == ("queued", 1)


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
