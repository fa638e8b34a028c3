"""Which run does a worker group get next?"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from experiments.models import Attempt, Checkpoint, Experiment, Run
from experiments.services.lifecycle import run_lost, run_move
from experiments.services.rewind import rewind
from experiments.states import RUN_LEASED, ExperimentState, RunState
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Unauthenticated
from mlplatform.kernel.states import move
from runners.models import Allocation, Lease
from runners.services.leases import group_join, lease_grant, lease_held
from runners.states import MOVES, AllocationState

WAIT_SECONDS = 0.5


@dataclass(frozen=True)
class Order:
    """What the group is to do: run this, wait and ask again, or end."""

    order: str
    run: dict[str, Any] | None = None
    wait_s: float | None = None


@transaction.atomic
def lease_next(*, allocation: Allocation, group_id: str, environment: dict[str, Any]) -> Order:
    """Lease the next queued run to a worker group. Asking again with an unanswered lease gets the same run."""
    allocation = Allocation.objects.select_for_update(no_key=True).get(pk=allocation.pk)
    now = clock.now()
    if allocation.state == AllocationState.ENDED:
        raise Unauthenticated("The allocation has ended, so its token is dead.")
    allocation.seen_at, allocation.environment = now, environment
    allocation.save(update_fields=["seen_at", "environment"])
    group_join(allocation, group_id)
    held = lease_held(allocation)
    if held:
        return _payload(held, Run.objects.select_related("experiment").get(pk=held.subject_id))
    if allocation.state == AllocationState.DRAINING:
        return Order("drain")
    if allocation.state != AllocationState.RUNNING:
        # The job can be faster than the tick that notes its submission.
        if allocation.state == AllocationState.WAITING:
            move(MOVES, allocation, AllocationState.SUBMITTED, submitted_at=now)
        move(MOVES, allocation, AllocationState.RUNNING, running_at=now)
    _settle_lost(allocation)
    run = _next_queued(allocation)
    return _wait(allocation) if run is None else _start(allocation, run, environment)


def _settle_lost(allocation: Allocation) -> None:
    """Runs whose worker group died go back to the queue now, not at the next tick."""
    leased = Run.objects.select_for_update(of=("self",), skip_locked=True, no_key=True).select_related(
        "experiment"
    )
    for run in leased.filter(experiment_id=allocation.owner_id, state__in=RUN_LEASED):
        last = Lease.objects.filter(subject_id=run.id).order_by("-id").first()
        if last and last.released_at and last.allocation_id == allocation.id:
            run_lost(run, last.release_reason)


def _next_queued(allocation: Allocation) -> Run | None:
    return (
        Run.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        .select_related("experiment__project")
        .filter(experiment_id=allocation.owner_id, state=RunState.QUEUED)
        .exclude(experiment__state=ExperimentState.CANCELED)
        .order_by("number")
        .first()
    )


def _wait(allocation: Allocation) -> Order:
    now = clock.now()
    if allocation.idle_since is None:
        Allocation.objects.filter(pk=allocation.pk).update(idle_since=now)
    elif (now - allocation.idle_since).total_seconds() > settings.IDLE_ALLOCATION_SECONDS:
        move(MOVES, allocation, AllocationState.DRAINING, draining_at=now)
        return Order("drain")
    return Order("wait", wait_s=WAIT_SECONDS)


def _start(allocation: Allocation, run: Run, environment: dict[str, Any]) -> Order:
    now = clock.now()
    checkpoint = _latest_checkpoint(run)
    step = checkpoint.step if checkpoint else 0
    number = run.attempts_made + 1
    lease = lease_grant(allocation, subject_id=run.id, attempt=number)
    base = _progress_at(run, step)
    run_move(
        run,
        RunState.STARTING,
        "starting",
        f"Attempt {number}" + (f", resumed from the checkpoint at step {step}." if step else "."),
        attempts_made=number,
        started_at=run.started_at or now,
        attempt_started_at=now,
        progress=base,
        progress_base=base or 0.0,
        waiting_reason="",
    )
    Attempt.objects.create(
        run=run,
        number=number,
        allocation_id=allocation.id,
        fence=lease.id,
        resumed_from=step,
        started_at=now,
        environment=environment,
    )
    if number > 1:
        rewind(run, step)
    Allocation.objects.filter(pk=allocation.pk).update(idle_since=None)
    return _payload(lease, run)


def _payload(lease: Lease, run: Run) -> Order:
    experiment = run.experiment
    checkpoint = _latest_checkpoint(run)
    return Order(
        "run",
        run={
            "id": str(run.id),
            "number": run.number,
            "name": str(run),
            "experiment": experiment.name,
            "attempt": lease.attempt,
            "fence": lease.id,
            "seed": run.seed,
            "config": run.params,
            "entrypoint": experiment.entrypoint,
            "checkpoint": {"path": checkpoint.path, "step": checkpoint.step} if checkpoint else None,
            "progress_total": progress_total(experiment, run),
            "lease_s": settings.LEASE_SECONDS,
        },
    )


def _latest_checkpoint(run: Run) -> Checkpoint | None:
    return run.checkpoints.order_by("-step", "-id").first()


def progress_total(experiment: Experiment, run: Run) -> int | None:
    """How many reports make this run complete, None if nobody said."""
    value = run.params.get(experiment.progress, experiment.progress)
    try:
        return max(1, int(value)) if value else None
    except (TypeError, ValueError):
        return None


def _progress_at(run: Run, step: int) -> float | None:
    """None if nobody knows how long the run is."""
    total = progress_total(run.experiment, run)
    return min(1.0, step / total) if total else None
