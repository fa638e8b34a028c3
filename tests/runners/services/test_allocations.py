import json
from datetime import timedelta
from typing import Any

import pytest

from experiments.models import Experiment
from mlplatform.kernel import clock
from mlplatform.kernel.errors import NotFound, Unauthenticated
from runners.models import Allocation, Lease
from runners.port import JobPoll, JobStatus
from runners.selectors.allocations import failed_in_a_row
from runners.services.admission import allocations_admit
from runners.services.allocations import (
    allocation_drain,
    allocation_end,
    allocation_request,
    allocations_follow,
)
from runners.services.packages import package_build, package_open, package_url
from runners.services.tokens import allocation_by_token, allocation_token
from tests.fakes.runner import FakeRunner


def allocations_tick() -> None:
    allocations_follow()
    allocations_admit()


def request(experiment: Experiment, **fields: Any) -> Allocation:
    given: dict[str, Any] = {
        "workers": 2,
        "cpus_per_worker": 1,
        "gpus_per_worker": 0,
        "package_key": "packages/x.zip",
        "fresh_process": False,
    }
    return allocation_request(owner_id=experiment.id, backend="local", **(given | fields))


def test_a_request_is_submitted_when_there_is_room(
    runner: FakeRunner, experiment: Experiment, settings: Any
) -> None:
    first = request(experiment, requirements=["toolz==1.0"], memory_per_worker=1.5)
    second = request(experiment)
    allocations_tick()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("submitted", "waiting")
    assert second.waiting_reason == "Needs 2 CPUs; 0 of 2 are free."
    (job,) = runner.jobs.values()
    described = json.loads(job.environment["MLP_ALLOCATION"])
    assert (described["workers"], described["memory_per_worker"]) == (2, 1.5)
    assert described["url"] == f"{settings.HARNESS_URL}/harness/v1"
    assert allocation_by_token(job.environment["MLP_ALLOCATION_TOKEN"]) == first
    assert job.working_dir.endswith("/x.zip")
    assert job.requirements == ("toolz==1.0",)


def test_memory_is_counted_if_the_backend_names_it(
    runner: FakeRunner, experiment: Experiment, settings: Any
) -> None:
    settings.BACKENDS = {"local": settings.BACKENDS["local"] | {"memory": 2}}
    allocation = request(experiment, memory_per_worker=1.5)
    allocations_tick()
    allocation.refresh_from_db()
    assert allocation.waiting_reason.startswith("Needs 3 GiB of memory, but the backend has 2")


def test_submitting_twice_is_one_job_with_the_same_token(runner: FakeRunner, experiment: Experiment) -> None:
    allocation = request(experiment)
    allocations_tick()
    token = runner.jobs[allocation.submission_id].environment["MLP_ALLOCATION_TOKEN"]
    Allocation.objects.update(state="waiting")
    allocations_tick()
    assert len(runner.jobs) == 1
    assert allocation_token(allocation) == token


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (JobStatus.SUCCEEDED, "finished"),
        (JobStatus.FAILED, "failed"),
        (JobStatus.STOPPED, "stopped"),
        (JobStatus.MISSING, "backend_lost"),
    ],
)
def test_the_end_at_the_backend_ends_the_allocation_and_its_leases(
    runner: FakeRunner, leased: Any, status: JobStatus, reason: str
) -> None:
    allocation, _, _ = leased
    runner.end(allocation.submission_id, status, "out of disk")
    runner.output[allocation.submission_id] = "last words"
    allocations_tick()
    allocation.refresh_from_db()
    assert (allocation.state, allocation.end_reason) == ("ended", reason)
    assert Lease.objects.get().release_reason == "backend_lost"
    if status is JobStatus.FAILED:
        assert allocation.end_detail == "out of disk\nlast words"


def test_a_backend_that_does_not_answer_changes_nothing(runner: FakeRunner, leased: Any) -> None:
    allocation, _, _ = leased
    runner.down = True
    allocations_tick()
    allocation.refresh_from_db()
    assert allocation.state == "running"


def test_a_refused_submit_ends_it_with_the_reason(runner: FakeRunner, experiment: Experiment) -> None:
    allocation = request(experiment)
    runner.refusal = "no such image"
    allocations_tick()
    allocation.refresh_from_db()
    assert (allocation.end_reason, allocation.end_detail) == ("submit_failed", "no such image")


def test_a_drained_job_that_stays_is_stopped(runner: FakeRunner, experiment: Experiment) -> None:
    allocation = request(experiment)
    allocations_tick()
    allocation.refresh_from_db()
    assert allocation_drain(allocation)
    allocations_tick()
    allocation.refresh_from_db()
    assert allocation.state == "draining"
    Allocation.objects.update(draining_at=clock.now() - timedelta(seconds=61))
    allocations_tick()
    allocation.refresh_from_db()
    assert allocation.state == "ended"
    assert runner.polls[allocation.submission_id].status is JobStatus.STOPPED


def test_a_job_whose_workers_do_not_start_is_stopped_with_what_is_known(
    runner: FakeRunner, experiment: Experiment, settings: Any
) -> None:
    allocation = request(experiment)
    allocations_tick()
    runner.end(allocation.submission_id, JobStatus.PENDING, "no room")
    runner.output[allocation.submission_id] = "last words"
    Allocation.objects.update(
        submitted_at=clock.now() - timedelta(seconds=settings.START_TIMEOUT_SECONDS - 1)
    )
    allocations_tick()
    allocation.refresh_from_db()
    assert allocation.state == "submitted"
    Allocation.objects.update(
        submitted_at=clock.now() - timedelta(seconds=settings.START_TIMEOUT_SECONDS + 1)
    )
    allocations_tick()
    allocation.refresh_from_db()
    assert (allocation.end_reason, allocation.end_detail) == ("start_timeout", "no room\nlast words")
    assert runner.polls[allocation.submission_id].status is JobStatus.STOPPED
    assert failed_in_a_row(experiment.id) == [allocation]


def test_one_that_has_asked_for_work_may_take_its_time(
    runner: FakeRunner, leased: Any, settings: Any
) -> None:
    allocation, _, _ = leased
    runner.end(allocation.submission_id, JobStatus.RUNNING)
    Allocation.objects.update(
        submitted_at=clock.now() - timedelta(seconds=settings.START_TIMEOUT_SECONDS + 1)
    )
    allocations_tick()
    allocation.refresh_from_db()
    assert allocation.state == "running"


@pytest.mark.parametrize("heard", ["running_at", "seen_at", "lease", "nothing"])
def test_one_whose_workers_do_not_come_back_is_stopped(
    runner: FakeRunner, leased: Any, settings: Any, heard: str
) -> None:
    """Its group has died, and the backend has no room for another."""
    allocation, _, _ = leased
    runner.end(allocation.submission_id, JobStatus.RUNNING, "waits for a node")
    long_ago = clock.now() - timedelta(seconds=settings.START_TIMEOUT_SECONDS + 1)
    times = dict.fromkeys(("running_at", "seen_at", "submitted_at"), long_ago)
    Allocation.objects.update(**{name: clock.now() if name == heard else at for name, at in times.items()})
    Lease.objects.update(released_at=clock.now() if heard == "lease" else long_ago)
    allocations_tick()
    allocation.refresh_from_db()
    silent = heard == "nothing"
    assert allocation.end_reason == ("start_timeout" if silent else "")
    assert runner.polls[allocation.submission_id].status is (
        JobStatus.STOPPED if silent else JobStatus.RUNNING
    )


def test_a_job_of_which_the_backend_makes_no_sense_does_not_hold_up_the_others(
    runner: FakeRunner, leased: Any, experiment: Experiment
) -> None:
    allocation, _, _ = leased
    unclear, well = request(experiment, workers=1), request(experiment, workers=1)
    runner.polls[allocation.submission_id] = JobPoll(JobStatus.RUNNING)
    runner.unclear = {allocation.submission_id, unclear.submission_id}
    Allocation.objects.filter(pk=allocation.pk).update(cpus_per_worker=0)
    allocations_tick()
    states = [Allocation.objects.get(pk=one.pk).state for one in (allocation, unclear, well)]
    assert states == ["running", "waiting", "submitted"]
    assert (
        "It was not taken yet. the fake answered 500" in Allocation.objects.get(pk=unclear.pk).waiting_reason
    )
    runner.unclear = set()
    runner.end(allocation.submission_id, JobStatus.SUCCEEDED)
    allocations_tick()
    states = [Allocation.objects.get(pk=one.pk).state for one in (allocation, unclear, well)]
    assert states == ["ended", "submitted", "submitted"]


def test_one_that_was_never_submitted_just_ends(experiment: Experiment) -> None:
    allocation = request(experiment)
    allocation_drain(allocation)
    assert (allocation.state, allocation.end_reason) == ("ended", "not_needed")
    assert not allocation_end(allocation, "stopped")


def test_idle_workers_make_room_for_those_who_wait(
    runner: FakeRunner, leased: Any, experiment: Experiment
) -> None:
    allocation, _, _ = leased
    Lease.objects.update(released_at=clock.now())
    runner.polls[allocation.submission_id] = runner.poll("x").__class__(JobStatus.RUNNING)
    Allocation.objects.update(idle_since=clock.now())
    request(experiment)
    allocations_tick()
    allocation.refresh_from_db()
    assert allocation.state == "draining"


def test_tokens_open_their_own_allocation_until_it_ends(experiment: Experiment) -> None:
    first, second = request(experiment), request(experiment)
    token = allocation_token(first)
    assert allocation_by_token(token) == first
    swapped = second.id.hex + token[token.index(".") :]
    for wrong in ("", "x", token[:-1], swapped, f"{first.id.hex}."):
        with pytest.raises(Unauthenticated):
            allocation_by_token(wrong)
    allocation_end(first, "stopped")
    with pytest.raises(Unauthenticated, match="ended"):
        allocation_by_token(token)


def test_packages_are_named_by_content_and_need_their_signature(settings: Any) -> None:
    key = package_build({"train.py": b"x"})
    assert key == package_build({"train.py": b"x"})
    signature, name = package_url(key).split("/")[-2:]
    assert package_open(signature, name)[:2] == b"PK"
    with pytest.raises(NotFound):
        package_open(signature[:-1] + "_", name)
    with pytest.raises(NotFound):
        package_open(signature, package_build({"train.py": b"y"}).removeprefix("packages/"))


def test_a_job_whose_log_is_gone_ends_and_does_not_hold_up_the_others(
    runner: FakeRunner, leased: Any, experiment: Experiment
) -> None:
    allocation, _, _ = leased
    waiting = Allocation.objects.create(
        owner_id=experiment.id,
        backend=allocation.backend,
        workers=1,
        cpus_per_worker=1,
        gpus_per_worker=0,
        package_key=allocation.package_key,
    )
    runner.end(allocation.submission_id, JobStatus.FAILED, "the node is gone")
    runner.logs_are_gone = True
    allocations_tick()
    allocation.refresh_from_db()
    assert (allocation.state, allocation.end_reason) == ("ended", "failed")
    assert allocation.end_detail == "the node is gone\n(no log: the fake's disk is gone)"
    waiting.refresh_from_db()
    assert waiting.state == "submitted"
