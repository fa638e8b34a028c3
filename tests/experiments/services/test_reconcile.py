from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from accounts.models import User
from experiments.models import Bundle, Experiment, Run
from experiments.services import bundles, lifecycle, waiting
from experiments.services import reconcile as reconciling
from experiments.services.control import experiment_cancel, run_cancel, run_retry
from experiments.services.leasing import lease_next
from experiments.services.losses import losses_settle
from experiments.services.reconcile import reconcile
from mlplatform.kernel import clock
from runners.models import Allocation, Lease
from runners.port import JobPoll, JobStatus
from tests.experiments.conftest import Wait
from tests.fakes.runner import FakeRunner
from tests.fixtures import CODE

pytestmark = pytest.mark.usefixtures("runner")


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


def test_a_restarted_backend_loses_no_run(leased: Any, runner: FakeRunner) -> None:
    allocation, run, _ = leased
    reconcile()  # the fake does not know the job, as after a restart of Ray
    allocation.refresh_from_db()
    assert allocation.end_reason == "backend_lost"
    losses_settle()
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
    losses_settle()
    run.refresh_from_db()
    assert (run.state, run.cause_code) == ("canceled", "stop_timeout")
    assert Run.objects.get(number=2).state == "queued"


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
    broken = copy_of(experiment)
    settle = reconciling.reconcile_experiment

    def fail(pk: UUID) -> bool:
        if pk == broken.pk:
            raise ValueError("broken")
        return settle(pk)

    monkeypatch.setattr(reconciling, "reconcile_experiment", fail)
    reconcile()
    assert Allocation.objects.get().owner_id == experiment.id


def copy_of(experiment: Experiment) -> Experiment:
    """Another one, which has its turn before the first."""
    copy = Experiment.objects.get(pk=experiment.pk)
    copy.pk, copy.slug = None, "copy"
    copy._state.adding = True
    copy.save()
    Experiment.objects.filter(pk=copy.pk).update(created_at=late(1000))
    return copy


@pytest.fixture
def lost_code(leased: Any, storage_path: Path, runner: FakeRunner) -> Path:
    """Run 1 is under way, run 2 waits for a second group; this is where the code was."""
    allocation, _, _ = leased
    runner.polls[allocation.submission_id] = JobPoll(JobStatus.RUNNING)
    Experiment.objects.update(max_parallel=2)
    file = storage_path / Bundle.objects.get().key
    file.rename(file.with_suffix(".elsewhere"))
    reconciling._package_keys.clear()
    return file


@pytest.mark.parametrize("content", [None, b"", b"PK, but no zip"])
def test_without_its_code_what_waits_fails_and_what_runs_goes_on(
    lost_code: Path, content: bytes | None, experiment: Experiment, bundle: Bundle
) -> None:
    if content is not None:
        lost_code.write_bytes(content)
    reconcile()
    run = experiment.runs.get(number=2)
    assert (run.state, run.cause_code) == ("failed", "bundle_broken")
    assert f"{bundle.name} (sha256 {bundle.sha256})" in run.cause_message
    assert "Upload the same code again, then retry" in run.cause_message
    assert experiment.runs.get(number=1).state == "starting"


@pytest.mark.parametrize("content", [None, b"PK, but no zip"])
def test_code_that_is_uploaded_again_is_whole_again(
    lost_code: Path, content: bytes | None, experiment: Experiment, owner: User
) -> None:
    if content is not None:
        lost_code.write_bytes(content)
    reconcile()
    again = bundles.bundle_from_upload(
        user=owner, project=experiment.project, filename="train.py", content=CODE
    )
    assert again == experiment.bundle
    run_retry(user=owner, run=experiment.runs.get(number=2))
    reconcile()
    assert Allocation.objects.filter(state="submitted").count() == 1


def test_without_its_code_a_dead_run_is_noticed_and_an_end_is_taken(
    lost_code: Path, leased: Any, runner: FakeRunner, owner: User
) -> None:
    allocation, run, _ = leased
    run_cancel(user=owner, run=run)
    Run.objects.filter(pk=run.pk).update(stop_requested_at=late(31))
    reconcile()
    assert runner.poll(allocation.submission_id).status is JobStatus.STOPPED
    losses_settle()
    run.refresh_from_db()
    assert run.state == "canceled"


def test_while_the_storage_is_away_runs_wait_and_say_so(
    lost_code: Path, experiment: Experiment, storage_path: Path
) -> None:
    lost_code.with_suffix(".elsewhere").rename(lost_code)
    folder = lost_code.parent.rename(storage_path / "unmounted")
    reconcile()
    run = experiment.runs.get(number=2)
    assert run.state == "queued"
    assert run.waiting_reason.startswith("Waits for the code. The storage has no folder")
    folder.rename(lost_code.parent)
    reconcile()
    run.refresh_from_db()
    assert run.waiting_reason == "Workers are starting."


def test_a_package_that_was_lost_is_made_again(
    experiment: Experiment, runner: FakeRunner, storage_path: Path
) -> None:
    reconcile()
    (package,) = (storage_path / "packages").iterdir()
    package.unlink()
    Allocation.objects.update(state="ended", end_reason="backend_lost", ended_at=late(60))
    reconcile()
    assert Allocation.objects.filter(state="submitted").count() == 1
    assert package.exists()


def test_of_many_waiting_runs_all_are_explained_and_the_first_ones_are_announced(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = (Run(experiment=experiment, number=n, set_number=n, seed=1) for n in range(3, 11))
    Run.objects.bulk_create(more)
    told: list[int] = []
    monkeypatch.setattr(waiting, "RUNS_TOLD", 3)
    monkeypatch.setattr(lifecycle, "run_changed", lambda run: told.append(run.pk))
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


def test_runs_whose_workers_are_silent_say_so_and_get_others_in_the_end(
    leased: Any, experiment: Experiment, runner: FakeRunner, wait: Wait, settings: Any
) -> None:
    allocation, _, _ = leased
    runner.polls[allocation.submission_id] = JobPoll(JobStatus.RUNNING)
    Lease.objects.update(released_at=clock.now(), release_reason="node_lost")
    losses_settle()
    reconcile()
    assert experiment.runs.get(number=1).waiting_reason == "Waits for its turn; 1 at a time."
    wait(timedelta(seconds=60))
    reconcile()
    assert "Nothing was heard of its workers since" in experiment.runs.get(number=1).waiting_reason
    wait(timedelta(seconds=settings.START_TIMEOUT_SECONDS))
    reconcile()
    reconcile()
    allocation.refresh_from_db()
    assert (allocation.state, allocation.end_reason) == ("ended", "start_timeout")
    assert Allocation.objects.filter(state="submitted").count() == 1
    assert experiment.runs.get(number=1).waiting_reason == "Workers are starting."
