from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.db.models import QuerySet

from accounts.models import User
from experiments.models import Bundle, Experiment, Run
from experiments.services import reconcile as reconciling
from experiments.services.control import experiment_cancel, run_cancel, run_retry
from experiments.services.leasing import lease_next
from experiments.services.reconcile import reconcile
from mlplatform.kernel import clock
from runners.models import Allocation, Lease
from runners.port import JobStatus
from runners.services import leases, outage
from tests.fakes.runner import FakeRunner

pytestmark = pytest.mark.usefixtures("runner")


@pytest.fixture
def portal_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reconciler has ticked all the time, and workers can reach the web."""
    cache.set(outage.KEY, clock.now().timestamp())
    monkeypatch.setattr(leases, "portal_was_away", lambda: False)


def late(seconds: float) -> Any:
    return clock.now() - timedelta(seconds=seconds)


def test_queued_runs_get_an_allocation_in_one_tick(experiment: Experiment, runner: FakeRunner) -> None:
    reconcile()
    allocation = Allocation.objects.get()
    assert (allocation.owner_id, allocation.state) == (experiment.id, "submitted")
    assert list(runner.jobs) == [allocation.submission_id]
    assert set(experiment.runs.values_list("waiting_reason", flat=True)) == {"Workers are starting."}
    reconcile()
    assert Allocation.objects.count() == 1


def test_workers_get_what_the_code_requires(experiment: Experiment, runner: FakeRunner) -> None:
    Bundle.objects.update(requirements=["toolz==1.0"])
    reconcile()
    (job,) = runner.jobs.values()
    assert job.requirements == ("toolz==1.0",)


def test_an_experiment_without_open_runs_is_completed(experiment: Experiment) -> None:
    experiment.runs.update(state="completed")
    reconcile()
    experiment.refresh_from_db()
    assert experiment.state == "completed"
    assert experiment.ended_at is not None
    assert list(experiment.events.filter(run=None).values_list("kind", flat=True)) == ["created", "completed"]


def test_a_run_whose_lease_expired_is_queued_again(leased: Any, portal_is_up: None) -> None:
    _, run, _ = leased
    Lease.objects.update(expires_at=late(1))
    reconcile()
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


def test_a_restarted_backend_loses_no_run(leased: Any, runner: FakeRunner) -> None:
    allocation, run, _ = leased
    reconcile()  # the fake does not know the job, as after a restart of Ray
    allocation.refresh_from_db()
    assert allocation.end_reason == "backend_lost"
    reconcile()
    run.refresh_from_db()
    assert run.state == "queued"
    assert Allocation.objects.filter(state="submitted").count() == 1
    order = lease_next(allocation=Allocation.objects.get(state="submitted"), group_id="new", environment={})
    assert order.run
    assert (order.run["id"], order.run["attempt"]) == (str(run.id), 2)


def test_a_canceled_run_that_does_not_stop_takes_its_job_down(
    leased: Any, runner: FakeRunner, owner: User
) -> None:
    allocation, run, _ = leased
    runner.polls[allocation.submission_id] = type(runner.poll("x"))(JobStatus.RUNNING)
    run_cancel(user=owner, run=run)
    reconcile()
    assert Allocation.objects.get().state == "running"
    Run.objects.filter(pk=run.pk).update(stop_requested_at=late(31))
    reconcile()
    allocation.refresh_from_db()
    assert (allocation.state, allocation.end_reason) == ("ended", "stop_timeout")
    reconcile()
    run.refresh_from_db()
    assert run.state == "canceled"
    assert Run.objects.get(number=2).state == "queued"


def test_what_was_asked_to_stop_and_was_lost_counts_as_stopped(leased: Any, portal_is_up: None) -> None:
    _, run, _ = leased
    for reason, state in (("paused", "queued"), ("pruned", "pruned")):
        Run.objects.filter(pk=run.pk).update(
            state="running", stop_reason=reason, stop_requested_at=clock.now()
        )
        Lease.objects.update(released_at=clock.now(), release_reason="worker_died")
        reconcile()
        run.refresh_from_db()
        assert (run.state, run.losses, run.cause_code) == (state, 0, "")


def test_nothing_of_a_paused_experiment_is_leased(allocation: Allocation, experiment: Experiment) -> None:
    Experiment.objects.update(state="paused")
    assert lease_next(allocation=allocation, group_id="one", environment={}).order == "wait"


def test_a_canceled_experiment_releases_its_workers(leased: Any, runner: FakeRunner, owner: User) -> None:
    allocation, run, _ = leased
    runner.polls[allocation.submission_id] = type(runner.poll("x"))(JobStatus.RUNNING)
    experiment_cancel(user=owner, experiment=run.experiment)
    Run.objects.filter(pk=run.pk).update(state="canceled")
    reconcile()
    allocation.refresh_from_db()
    assert allocation.state == "draining"


def test_jobs_that_die_before_they_lease_fail_the_runs_after_three(
    experiment: Experiment, runner: FakeRunner, owner: User
) -> None:
    runner.refusal = "no such image"
    for _ in range(3):
        Allocation.objects.update(ended_at=late(60))
        reconcile()
    reconcile()
    run = experiment.runs.get(number=1)
    assert (run.state, run.cause_code, run.cause_traceback) == ("failed", "submit_failed", "no such image")
    runner.refusal = ""
    run_retry(user=owner, run=run)
    reconcile()
    assert Allocation.objects.filter(state="submitted").count() == 1


SETUP = "runtime_env setup failed: "


def test_requirements_that_cannot_be_installed_are_tried_once(
    experiment: Experiment, runner: FakeRunner, owner: User
) -> None:
    Experiment.objects.update(max_parallel=2)
    reconcile()
    first, _ = runner.jobs
    words = SETUP + "ERROR: No matching distribution found for nonsense==1"
    runner.end(first, JobStatus.FAILED, words)
    reconcile()
    reconcile()
    assert set(experiment.runs.values_list("state", "cause_code", "cause_traceback")) == {
        ("failed", "environment_failed", words)
    }
    assert Allocation.objects.count() == 2
    assert Allocation.objects.get(ended_at=None).state == "draining", "it would end the same way"
    run_retry(user=owner, run=experiment.runs.get(number=1))
    reconcile()
    assert Allocation.objects.filter(state="submitted").count() == 1


def test_workers_that_have_what_they_need_are_not_given_up_with_those_that_do_not(
    leased: Any, runner: FakeRunner, experiment: Experiment
) -> None:
    allocation, _, _ = leased
    runner.polls[allocation.submission_id] = type(runner.poll("x"))(JobStatus.RUNNING)
    Experiment.objects.update(max_parallel=2)
    reconcile()
    other = Allocation.objects.get(state="submitted")
    runner.end(other.submission_id, JobStatus.FAILED, SETUP + "ERROR: No matching distribution found for x")
    reconcile()
    reconcile()
    assert sorted(experiment.runs.values_list("state", flat=True)) == ["queued", "starting"]
    assert not Allocation.objects.filter(state="submitted").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (
            SETUP + "connection broken by '…'\nERROR: No matching distribution found for x",
            "environment_failed",
        ),
        ("?", "submit_failed"),
    ],
)
def test_a_job_that_may_start_another_time_is_tried_three_times(
    experiment: Experiment, runner: FakeRunner, words: str, code: str
) -> None:
    for _ in range(3):
        Allocation.objects.update(ended_at=late(60))
        reconcile()
        for name in runner.jobs:
            runner.end(name, JobStatus.FAILED, words)
        reconcile()
    assert Allocation.objects.count() == 3
    reconcile()
    run = experiment.runs.get(number=1)
    assert (run.state, run.cause_code, run.cause_traceback) == ("failed", code, words)


def test_workers_that_never_start_are_given_up_in_the_end(
    experiment: Experiment, runner: FakeRunner, settings: Any
) -> None:
    for _ in range(3):
        Allocation.objects.update(ended_at=late(60))
        reconcile()
        Allocation.objects.filter(state="submitted").update(
            submitted_at=late(settings.START_TIMEOUT_SECONDS + 1)
        )
        for name in runner.jobs:
            runner.output[name] = "waiting for 8 CPUs"
        reconcile()
    reconcile()
    run = experiment.runs.get(number=1)
    assert (run.state, run.cause_code, run.cause_traceback) == (
        "failed",
        "start_timeout",
        "waiting for 8 CPUs",
    )


def test_a_run_that_backs_off_keeps_its_own_words(experiment: Experiment) -> None:
    Run.objects.filter(number=1).update(waiting_reason="again at noon", not_before=late(-30))
    reconcile()
    words = dict(experiment.runs.values_list("number", "waiting_reason"))
    assert words == {1: "again at noon", 2: "Workers are starting."}


def test_a_retry_while_the_experiment_completes_is_not_lost(experiment: Experiment, owner: User) -> None:
    experiment.runs.update(state="failed")
    stale = experiment.runs.get(number=1)
    assert stale.experiment.state == "active"
    reconcile()
    run_retry(user=owner, run=stale)
    experiment.refresh_from_db()
    assert experiment.state == "active"


def test_one_broken_experiment_does_not_hold_up_others(
    experiment: Experiment, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Experiment.objects.get(pk=experiment.pk)
    broken.pk, broken.slug = None, "broken"
    broken._state.adding = True
    broken.save()
    Experiment.objects.filter(slug="broken").update(created_at=late(1000))
    other = broken.bundle
    other.pk, other.sha256 = None, "0" * 64
    other._state.adding = True
    other.save()
    Experiment.objects.filter(slug="broken").update(bundle=other)
    reconcile()
    assert Allocation.objects.get().owner_id == experiment.id


def test_of_many_waiting_runs_all_are_explained_and_the_first_ones_are_announced(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = (Run(experiment=experiment, number=n, set_number=n, seed=1) for n in range(3, 11))
    Run.objects.bulk_create(more)
    told: list[int] = []
    monkeypatch.setattr(reconciling, "RUNS_TOLD", 3)
    monkeypatch.setattr(reconciling, "run_changed", lambda run: told.append(run.pk))
    reconcile()
    assert set(experiment.runs.values_list("waiting_reason", flat=True)) == {"Workers are starting."}
    assert told == list(experiment.runs.order_by("number").values_list("pk", flat=True)[:3])


def test_a_tick_costs_no_query_per_waiting_run(
    experiment: Experiment, django_assert_max_num_queries: Any
) -> None:
    Run.objects.bulk_create(Run(experiment=experiment, number=n, set_number=n, seed=1) for n in range(3, 300))
    reconcile()
    with django_assert_max_num_queries(20):
        reconcile()
