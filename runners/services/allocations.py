"""Allocations from request to end. Network calls happen outside of transactions; every step is safe to repeat."""

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from django.conf import settings

from accounts.models import Project, User
from mlplatform.broker import enqueue
from mlplatform.kernel import clock
from runners.models import Allocation, Lease
from runners.port import JobPoll, JobStatus, JobUnclear, RunnerRefused, RunnerUnavailable
from runners.registry import backend_get, runner_for
from runners.selectors.allocations import silent_since
from runners.services.line import allocation_move, line_changed
from runners.services.usage import usage_meter_some
from runners.states import HOLDING, LIVE, AllocationState

logger = logging.getLogger(__name__)
LOG_TAIL = 4000
# A job that is still there this long after it was told to finish, with nothing leased, is stopped.
DRAIN_SECONDS = 60


def allocation_request(
    *, owner_id: UUID, backend: str, workers: int, cpus_per_worker: float, gpus_per_worker: float,
    package_key: str, fresh_process: bool, memory_per_worker: float = 0, requirements: Sequence[str] = (),
    project: Project | None = None, user: User | None = None, priority: int = 0,
) -> Allocation:  # fmt: skip
    """Ask for resources. The next tick submits it when there is room."""
    preemptible = backend_get(backend).preemption or (project is not None and project.preemptible)
    asked = Allocation.objects.create(
        owner_id=owner_id,
        backend=backend,
        workers=workers,
        cpus_per_worker=cpus_per_worker,
        gpus_per_worker=gpus_per_worker,
        memory_per_worker=memory_per_worker,
        package_key=package_key,
        fresh_process=fresh_process,
        requirements=list(requirements),
        project=project,
        user=user,
        priority=priority,
        preemptible=preemptible,
    )
    line_changed()
    return asked


def allocations_prioritize(owner_id: UUID, priority: int) -> None:
    """Whatever the owner has or asks for goes by another priority from now on."""
    Allocation.objects.filter(owner_id=owner_id, state__in=LIVE).update(priority=priority)


def allocation_drain(allocation: Allocation) -> bool:
    """Let it finish what it holds and end. One that was never submitted ends at once."""
    now = clock.now()
    if allocation.state == AllocationState.WAITING:
        return allocation_move(allocation, AllocationState.ENDED, ended_at=now, end_reason="not_needed")
    if allocation.state in (AllocationState.SUBMITTED, AllocationState.RUNNING):
        return allocation_move(allocation, AllocationState.DRAINING, draining_at=now)
    return False


def allocation_end(allocation: Allocation, reason: str, detail: str = "") -> bool:
    """It is over: mark it and end its leases, so that their subjects are found without one."""
    if allocation.state == AllocationState.ENDED:
        return False
    ended = allocation_move(
        allocation, AllocationState.ENDED, ended_at=clock.now(), end_reason=reason, end_detail=detail
    )
    if ended and Lease.objects.filter(allocation=allocation, released_at__isnull=True).update(
        released_at=clock.now(),
        release_reason=reason if reason == "stop_timeout" else "backend_lost",
        release_detail=detail,
    ):
        enqueue("settle_losses")
    if ended:
        usage_meter_some([allocation.pk], until=clock.now())
    return ended


def allocation_stop(allocation: Allocation, reason: str, detail: str = "") -> None:
    """Stop the job now, whatever it does."""
    if allocation.state in HOLDING:
        runner_for(allocation.backend).cancel(allocation.submission_id)
    allocation_end(allocation, reason, detail)


def allocations_follow() -> None:
    """Learn from the backends what has become of the jobs."""
    at_each_backend(_follow)


def at_each_backend(step: Callable[[str], None]) -> None:
    """One after the other; one that is away does not keep the others waiting."""
    for backend in settings.BACKENDS:
        try:
            step(backend)
        except (RunnerUnavailable, RunnerRefused) as error:
            logger.warning("backend %s: %s", backend, error.message)


def _follow(backend: str) -> None:
    for allocation in Allocation.objects.filter(backend=backend, state__in=HOLDING):
        try:
            _follow_one(allocation)
        except JobUnclear as error:
            logger.warning("%s: %s", allocation, error.message)


def _follow_one(allocation: Allocation) -> None:
    poll = runner_for(allocation.backend).poll(allocation.submission_id)
    match poll.status:
        case JobStatus.MISSING:
            allocation_end(
                allocation, "backend_lost", "The backend does not know the job any more; it was restarted."
            )
        case JobStatus.SUCCEEDED:
            allocation_end(allocation, "finished")
        case JobStatus.STOPPED:
            allocation_end(allocation, "stopped", poll.message)
        case JobStatus.FAILED:
            allocation_end(allocation, "failed", _last_words(allocation, poll))
        case _ if _start_is_overdue(allocation):
            allocation_stop(allocation, "start_timeout", _last_words(allocation, poll))
        case _ if _overdue(allocation):
            allocation_stop(allocation, "stopped")


def _last_words(allocation: Allocation, poll: JobPoll) -> str:
    try:
        logs = runner_for(allocation.backend).logs(allocation.submission_id)
    except (RunnerUnavailable, RunnerRefused) as error:
        # The log of a job can be gone with its machine; that must not keep the job from ending.
        logs = f"(no log: {error.message})"
    return f"{poll.message}\n{logs[-LOG_TAIL:]}".strip()


def _start_is_overdue(allocation: Allocation) -> bool:
    """Its workers have not come, or have gone and not come back: nobody has asked for work for long."""
    submitted = allocation.state == AllocationState.SUBMITTED
    since = allocation.submitted_at if submitted else silent_since(allocation)
    return since is not None and (clock.now() - since).total_seconds() > settings.START_TIMEOUT_SECONDS


def _overdue(allocation: Allocation) -> bool:
    if allocation.draining_at is None or allocation.leases.filter(released_at__isnull=True).exists():
        return False
    return (clock.now() - allocation.draining_at).total_seconds() > DRAIN_SECONDS
