"""Which run does a worker group get next?"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from experiments.models import Attempt, Checkpoint, Run
from experiments.selectors.checkpoints import checkpoint_to_resume
from experiments.services.lifecycle import run_move
from experiments.services.losses import orphans, runs_settle
from experiments.services.rewind import rewind
from experiments.states import ExperimentState, RunState
from mlplatform.broker import enqueue
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Unauthenticated
from runners.models import Allocation, Lease
from runners.services.leases import group_join, lease_grant, lease_held, lease_renew
from runners.services.line import allocation_move
from runners.states import AllocationState

# A searcher that learns needs a moment for its next set; whoever waits for longer than that waits for people.
WAIT_SECONDS = 0.5
FIRST_WAIT_SECONDS = 0.1
FIRST_WAIT_LIMIT = timedelta(seconds=2)
PACKAGES = "packages"


@dataclass(frozen=True)
class Order:
    """What the group is to do: run this, wait and ask again, or end."""

    order: str
    run: dict[str, Any] | None = None
    wait_s: float | None = None


@transaction.atomic
def lease_next(*, allocation: Allocation, group_id: str, environment: dict[str, Any]) -> Order:
    """Lease the next queued run to a worker group. Asking again with an unanswered lease gets the same run.

    Raises Fenced for a group that was replaced, Unauthenticated once the allocation has ended.

    `environment` is what the group runs on; empty when it has told that before.
    """
    allocation = _locked(allocation)
    if allocation.state == AllocationState.ENDED:
        raise Unauthenticated("The allocation has ended, so its token is dead.")
    if environment:
        allocation.environment = environment
        allocation.save(update_fields=["environment"])
    if group_join(allocation, group_id):
        # What its dead predecessor had goes back to the queue now, not at the next pass.
        runs_settle(orphans().filter(experiment=allocation.owner_id))
    return _order(allocation)


@transaction.atomic
def lease_following(*, allocation: Allocation, group_id: str) -> Order | None:
    """What a worker group that has just ended a run does next; None if it is to ask with `lease_next` instead.

    It never lets a group join: a request that was on its way for long may come from one that is gone.
    """
    allocation = _locked(allocation)
    if allocation.state == AllocationState.ENDED or allocation.group_id != group_id:
        return None
    return _order(allocation)


def _locked(allocation: Allocation) -> Allocation:
    return Allocation.objects.select_for_update(no_key=True).get(pk=allocation.pk)


def _order(allocation: Allocation) -> Order:
    held = lease_held(allocation)
    if held:
        lease_renew(allocation, held.pk, subject_id=held.subject_id, attempt=held.attempt)
        run = Run.objects.select_related("experiment").get(pk=held.subject_id)
        return _payload(held, run, _latest_checkpoint(run))
    if allocation.state == AllocationState.DRAINING:
        return Order("drain")
    now = clock.now()
    if allocation.state != AllocationState.RUNNING:
        # The job can be faster than the tick that notes its submission.
        if allocation.state == AllocationState.WAITING:
            allocation_move(allocation, AllocationState.SUBMITTED, submitted_at=now)
        allocation_move(allocation, AllocationState.RUNNING, running_at=now)
    run_next = _next_queued(allocation)
    return _wait(allocation) if run_next is None else _start(allocation, run_next)


def _next_queued(allocation: Allocation) -> Run | None:
    return (
        Run.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        .select_related("experiment")
        .filter(experiment_id=allocation.owner_id, state=RunState.QUEUED)
        .exclude(not_before__gt=clock.now())
        .exclude(experiment__state__in=[ExperimentState.CANCELED, ExperimentState.PAUSED])
        .order_by("number")
        .first()
    )


def _wait(allocation: Allocation) -> Order:
    now = clock.now()
    if allocation.idle_since is None:
        # Perhaps the last run of the experiment has ended.
        enqueue("reconcile")
    idle = now - (allocation.idle_since or now)
    Allocation.objects.filter(pk=allocation.pk).update(seen_at=now, idle_since=now - idle)
    if idle.total_seconds() > settings.IDLE_ALLOCATION_SECONDS:
        allocation_move(allocation, AllocationState.DRAINING, draining_at=now)
        return Order("drain")
    return Order("wait", wait_s=FIRST_WAIT_SECONDS if idle < FIRST_WAIT_LIMIT else WAIT_SECONDS)


def _start(allocation: Allocation, run: Run) -> Order:
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
        judged_step=min(run.judged_step, step),
        waiting_reason="",
    )
    Attempt.objects.create(
        run=run,
        number=number,
        allocation_id=allocation.id,
        fence=lease.id,
        resumed_from=step,
        started_at=now,
        # The list of packages is long and the same for all attempts: it stays on the allocation.
        environment={key: value for key, value in allocation.environment.items() if key != PACKAGES},
    )
    if number > 1:
        rewind(run, step)
    if allocation.idle_since is not None:
        Allocation.objects.filter(pk=allocation.pk).update(seen_at=now, idle_since=None)
    return _payload(lease, run, checkpoint)


def _payload(lease: Lease, run: Run, checkpoint: Checkpoint | None) -> Order:
    experiment = run.experiment
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
            "progress_total": run.progress_total,
            "lease_s": settings.LEASE_SECONDS,
        },
    )


def _latest_checkpoint(run: Run) -> Checkpoint | None:
    """Where the next attempt begins: the run's own last sound checkpoint, or the one that it was forked from."""
    own = checkpoint_to_resume(run) if run.attempts_made else None
    return own or run.start_checkpoint


def _progress_at(run: Run, step: int) -> float | None:
    """None if nobody knows how long the run is."""
    total = run.progress_total
    return min(1.0, step / total) if total else None
