"""Every change of a run's or an experiment's state, each a guarded update with its event and its live message.

Call these inside the transaction that has the reason for the change.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Subquery, Sum

from accounts.models import User
from accounts.services.closing import hold_open
from experiments.causes import (
    Cause,
    both_causes,
    budget_cause,
    objective_cause,
    target_cause,
)
from experiments.models import Attempt, Checkpoint, Experiment, Run, RunEvent, TrackingSync
from experiments.search.registry import is_adaptive
from experiments.states import (
    EXPERIMENT_MOVES,
    INTERRUPTIONS,
    RUN_LEASED,
    RUN_MOVES,
    ExperimentState,
    RunState,
    StopReason,
)
from mlplatform.broker import enqueue
from mlplatform.http.live import group_name, publish
from mlplatform.kernel import clock
from mlplatform.kernel.errors import NotFound
from mlplatform.kernel.states import move

PAUSING = "The experiment is paused; it goes back to the queue at its next checkpoint."
# Where many runs change at once, pages hear of so many one by one; each is a message of its own.
RUNS_TOLD = 200
# PostgreSQL finds NaN equal to itself.
NOT_FINITE = [math.nan, math.inf, -math.inf]


def run_changed(run: Run) -> None:
    """Tell the pages that the run's row looks different now."""
    publish(
        [group_name("run", run.id), group_name("experiment", run.experiment_id)],
        {"what": "run", "run": str(run.id), "experiment": str(run.experiment_id)},
    )


def runs_changed(experiment_id: UUID, ids: Sequence[UUID]) -> None:
    """Tell the pages that several of its runs changed. Those of runs after the first RUNS_TOLD do not hear of it."""
    for pk in ids[:RUNS_TOLD]:
        run_changed(Run(pk=pk, experiment_id=experiment_id))


def experiment_changed(experiment: Experiment) -> None:
    """Tell the pages that the experiment or its list of runs changed."""
    publish(
        [group_name("experiment", experiment.id), group_name("project", experiment.project_id)],
        {"what": "experiment", "experiment": str(experiment.id)},
    )


def event(run: Run, kind: str, message: str = "", *, actor: User | None = None) -> None:
    """Add to the run's history."""
    RunEvent.objects.create(
        experiment_id=run.experiment_id, run=run, kind=kind, message=message[:500], actor=actor
    )


def run_move(
    run: Run, state: str, kind: str, message: str = "", *, actor: User | None = None, **fields: Any
) -> bool:
    """One state change with event and live message; False if somebody else changed the run first."""
    if not move(RUN_MOVES, run, state, **fields):
        return False
    event(run, kind, message, actor=actor)
    run_changed(run)
    return True


def run_finish(
    run: Run,
    state: str,
    cause: Cause | None = None,
    *,
    lost: Cause | None = None,
    actor: User | None = None,
) -> bool:
    """Reach a terminal state. The run goes into the outbox for MLflow.

    `lost` is how its attempt came to an end, if that is not why the run did.
    """
    cause = both_causes(cause, lost)
    said = cause or lost
    fields = end_fields(state, cause)
    if not run_move(run, state, state, said.message if said else "", actor=actor, **fields):
        return False
    attempt_end(run, state, lost or cause)
    if run.attempts_made:
        hand_over([run.pk])
    # Pages of the project count finished runs.
    experiment_changed(run.experiment)
    if is_awaited(run.experiment):
        enqueue("reconcile")
    return True


def end_fields(state: str, cause: Cause | None) -> dict[str, Any]:
    """What is written to a run with its terminal state."""
    fields: dict[str, Any] = {"ended_at": clock.now(), "waiting_reason": ""}
    if cause:
        fields |= {
            "cause_code": cause.code,
            "cause_message": cause.message,
            "cause_traceback": cause.traceback,
        }
    if state == RunState.COMPLETED:
        fields["progress"] = 1.0
    return fields


def hand_over(ids: Collection[UUID]) -> None:
    """Runs that were tried and have ended go into the outbox for MLflow, and their policy has the last word."""
    now = clock.now()
    TrackingSync.objects.bulk_create(
        [TrackingSync(run_id=pk, next_try_at=now, synced_at=None, tries=0, last_error="") for pk in ids],
        update_conflicts=True,
        unique_fields=["run"],
        update_fields=["next_try_at", "synced_at", "tries", "last_error"],
    )
    if ids:
        enqueue("sync_tracking")
    for pk in Checkpoint.objects.filter(run__in=ids).order_by().values_list("run", flat=True).distinct():
        enqueue("thin_out", str(pk))


def is_awaited(experiment: Experiment) -> bool:
    """Whether the end of a run gives the reconciler something to do at once.

    That nothing is left to run is told by the worker group that finds it so; the periodic tick does the rest.
    """
    return experiment.target is not None or is_adaptive(experiment.search.get("method", ""))


def run_fail(run: Run, cause: Cause) -> bool:
    """User code failed: queued again within the retry budget, else failed for good."""
    run.failures += 1
    if run.failures > run.experiment.max_retries:
        Run.objects.filter(pk=run.pk).update(failures=run.failures)
        return run_finish(run, RunState.FAILED, cause)
    message = f"{cause.message} Retry {run.failures} of {run.experiment.max_retries}."
    return run_requeue(run, "retried", message, cause, failures=run.failures)


def run_ask_to_stop(run: Run, reason: str, message: str, *, actor: User | None = None) -> bool:
    """A leased run stops at its next report; False if it was asked before.

    What only interrupts it gives way to a reason that ends it.
    """
    weaker = [""] if reason in INTERRUPTIONS else ["", *INTERRUPTIONS]
    askable = Run.objects.filter(pk=run.pk, state__in=RUN_LEASED, stop_reason__in=weaker)
    now = clock.now()
    if not askable.update(stop_reason=reason, stop_requested_at=now):
        return False
    run.stop_reason, run.stop_requested_at = reason, now
    event(run, "stop_requested", message, actor=actor)
    run_changed(run)
    return True


def run_take_pause_back(run: Run, *, actor: User | None = None) -> bool:
    """A run that was asked to stop for a pause trains on; False if it stops for another reason, or has stopped."""
    pausing = Run.objects.filter(pk=run.pk, state__in=RUN_LEASED, stop_reason=StopReason.PAUSED)
    if not pausing.update(stop_reason="", stop_requested_at=None):
        return False
    run.stop_reason, run.stop_requested_at = "", None
    event(run, "stop_taken_back", "The experiment was resumed before it had stopped.", actor=actor)
    run_changed(run)
    return True


def run_stopped(run: Run, *, traceback: str = "", lost: Cause | None = None) -> bool:
    """Its attempt is over after it was asked to stop; why it was asked decides what becomes of it.

    `lost` is how the attempt was lost, if it did not end by itself.
    """
    match run.stop_reason:
        case "" | StopReason.PAUSED | StopReason.PREEMPTED:
            # No reason: the pause was taken back too late for the worker to hear.
            return run_interrupt(run, lost)
        case StopReason.PRUNED:
            # One that made its last report before it heard of it has given its full answer.
            state = RunState.COMPLETED if run.progress == 1.0 else RunState.PRUNED
            return run_finish(run, state, lost=lost)
        case StopReason.NOT_FINITE:
            return run_finish(run, RunState.FAILED, not_finite_cause(run, traceback), lost=lost)
        case StopReason.BUDGET:
            return run_finish(run, RunState.CANCELED, budget_cause(run.experiment), lost=lost)
        case StopReason.TARGET:
            return run_finish(run, RunState.CANCELED, target_cause(run.experiment), lost=lost)
        case _:
            return run_finish(run, RunState.CANCELED, lost=lost)


def run_interrupt(run: Run, lost: Cause | None = None) -> bool:
    """Back to the queue, from which it goes on at its last checkpoint; neither a failure nor a loss."""
    preempted = run.stop_reason == StopReason.PREEMPTED
    why = "Made room for one of higher priority;" if preempted else "Stopped for a pause;"
    message = f"{lost.message if lost else why} {'It' if lost else 'it'} goes on from its last checkpoint."
    kind = "preempted" if preempted else "paused"
    return run_requeue(run, kind, message, lost, stop_reason="", stop_requested_at=None)


def not_finite_cause(run: Run, traceback: str = "") -> Cause:
    """Names the first value of the objective that is NaN or infinite. One query."""
    metric = run.experiment.objective_metric
    batch = run.batches.filter(name=metric, level=0, values__overlap=NOT_FINITE).first()
    points = zip(batch.steps, batch.values, strict=True) if batch else ()
    found = next(((step, value) for step, value in points if not math.isfinite(value)), None)
    return objective_cause(metric, found, traceback)


def run_requeue(run: Run, kind: str, message: str, cause: Cause | None = None, **fields: Any) -> bool:
    """Back to the queue though nobody ended it for good; False if it is not under way."""
    if run.state not in RUN_LEASED:
        return False
    if not run_move(run, RunState.QUEUED, kind, message, **fields):
        return False
    attempt_end(run, kind, cause)
    enqueue("reconcile")
    return True


def attempt_end(run: Run, outcome: str, cause: Cause | None = None) -> None:
    """Close the current attempt, if it is open; its time counts as the run's."""
    is_open = Attempt.objects.filter(run=run, number=run.attempts_made, ended_at__isnull=True)
    if is_open.update(ended_at=clock.now(), outcome=outcome, cause_code=cause.code if cause else ""):
        times = Attempt.objects.filter(run=run).values("run")
        Run.objects.filter(pk=run.pk).update(
            attempted=Subquery(times.values(time=Sum(F("ended_at") - F("started_at"))))
        )


def experiment_locked(pk: UUID) -> Experiment:
    """The experiment, locked for changing it and adding runs. Take this lock before a run's, as everybody does.

    Raises NotFound if somebody deleted it.
    """
    rows = Experiment.objects.select_for_update(of=("self",), no_key=True)
    found = rows.select_related("project").filter(pk=pk).first()
    if found is None:
        raise NotFound("The experiment was deleted meanwhile.")
    return found


def experiment_move(experiment: Experiment, state: str, kind: str, *, actor: User | None = None) -> bool:
    """Change an experiment's state; False if somebody else did first. Keeps the time that it was active."""
    now = clock.now()
    over = state in (ExperimentState.COMPLETED, ExperimentState.CANCELED)
    due = now if state == ExperimentState.COMPLETED else None
    fields = {
        "ended_at": now if over else None,
        "registration_due_at": due,
        "active_since": now if state == ExperimentState.ACTIVE else None,
        "active_seconds": seconds_active(experiment),
    }
    if not move(EXPERIMENT_MOVES, experiment, state, **fields):
        return False
    if due:
        enqueue("sync_tracking")
    RunEvent.objects.create(experiment=experiment, kind=kind, actor=actor)
    experiment_changed(experiment)
    return True


def experiment_reopen(experiment: Experiment, actor: User) -> None:
    """There is something to do again: a finished experiment becomes active. A paused one stays paused."""
    hold_open(experiment.project)
    if experiment.state in (ExperimentState.COMPLETED, ExperimentState.CANCELED):
        experiment_move(experiment, ExperimentState.ACTIVE, "reopened", actor=actor)


def seconds_active(experiment: Experiment) -> float:
    """How long the experiment has been active in all, pauses left out."""
    since = experiment.active_since
    return experiment.active_seconds + ((clock.now() - since).total_seconds() if since else 0.0)
