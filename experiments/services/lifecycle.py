"""Every change of a run's or an experiment's state, each a guarded update with its event and its live message.

Call these inside the transaction that has the reason for the change.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Max

from accounts.models import User
from experiments.models import Attempt, Experiment, Run, RunEvent, TrackingSync
from experiments.states import (
    EXPERIMENT_MOVES,
    RUN_LEASED,
    RUN_MOVES,
    RUN_TERMINAL,
    ExperimentState,
    RunState,
)
from mlplatform.broker import enqueue
from mlplatform.http.live import group_name, publish
from mlplatform.kernel import clock
from mlplatform.kernel.states import move


@dataclass(frozen=True)
class Cause:
    """Why a run ended badly: a stable code, a sentence, and the traceback if user code raised."""

    code: str
    message: str
    traceback: str = ""


# What the platform itself says about an attempt that was lost.
LOST = {
    "worker_died": "The training process died without raising: killed by the system (often for lack of memory) "
    "or by its own code.",
    "lease_lost": "Nothing was heard of the training process for too long.",
    "backend_lost": "The backend lost the job: it was restarted or stopped.",
    "stop_timeout": "It did not stop in time when asked to, so its job was stopped.",
}


def run_changed(run: Run) -> None:
    """Tell the pages that the run's row looks different now."""
    publish(
        [group_name("run", run.id), group_name("experiment", run.experiment_id)],
        {"what": "run", "run": str(run.id), "experiment": str(run.experiment_id)},
    )


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


def run_finish(run: Run, state: str, cause: Cause | None = None, *, actor: User | None = None) -> bool:
    """Reach a terminal state. The run goes into the outbox for MLflow."""
    now = clock.now()
    fields: dict[str, Any] = {"ended_at": now, "waiting_reason": ""}
    if cause:
        fields |= {
            "cause_code": cause.code,
            "cause_message": cause.message,
            "cause_traceback": cause.traceback,
        }
    if state == RunState.COMPLETED:
        fields["progress"] = 1.0
    if not run_move(run, state, state, cause.message if cause else "", actor=actor, **fields):
        return False
    attempt_end(run, state, cause)
    if run.attempts_made:
        TrackingSync.objects.update_or_create(
            run=run, defaults={"next_try_at": now, "synced_at": None, "tries": 0, "last_error": ""}
        )
        enqueue("sync_tracking")
    # Pages of the project count finished runs.
    experiment_changed(run.experiment)
    enqueue("reconcile")
    return True


def run_fail(run: Run, cause: Cause) -> bool:
    """User code failed: queued again within the retry budget, else failed for good."""
    run.failures += 1
    if run.failures > run.experiment.max_retries:
        Run.objects.filter(pk=run.pk).update(failures=run.failures)
        return run_finish(run, RunState.FAILED, cause)
    message = f"{cause.message} Retry {run.failures} of {run.experiment.max_retries}."
    return _requeue(run, "retried", message, cause, failures=run.failures)


def run_lost(run: Run, reason: str) -> bool:
    """The attempt is gone though nobody ended it: resume from the last checkpoint, within a budget of its own.

    Losses count only while no new checkpoint is reached between them: what makes progress may go on.
    """
    cause = Cause(reason, LOST.get(reason, LOST["backend_lost"]))
    if run.stop_reason:
        return run_finish(run, RunState.CANCELED)
    attempt = run.attempts.filter(number=run.attempts_made).first()
    reached = run.checkpoints.aggregate(step=Max("step"))["step"] or 0
    losses = 1 if attempt and reached > attempt.resumed_from else run.losses + 1
    if losses > settings.MAX_LOST_ATTEMPTS:
        return run_finish(run, RunState.FAILED, cause)
    return _requeue(run, "lost", cause.message, cause, losses=losses)


def run_requeue_by(run: Run, actor: User) -> bool:
    """A person wants another try at a run that failed or was canceled."""
    fields: dict[str, Any] = {
        "failures": 0,
        "losses": 0,
        "ended_at": None,
        "stop_reason": "",
        "stop_requested_at": None,
    }
    fields |= {"cause_code": "", "cause_message": "", "cause_traceback": ""}
    return run_move(run, RunState.QUEUED, "queued", "Retried.", actor=actor, **fields)


def attempt_end(run: Run, outcome: str, cause: Cause | None = None) -> None:
    """Close the current attempt, if it is open."""
    Attempt.objects.filter(run=run, number=run.attempts_made, ended_at__isnull=True).update(
        ended_at=clock.now(), outcome=outcome, cause_code=cause.code if cause else ""
    )


def experiment_move(experiment: Experiment, state: str, kind: str, *, actor: User | None = None) -> bool:
    """Change an experiment's state; False if somebody else did first."""
    ended = None if state == ExperimentState.ACTIVE else clock.now()
    due = ended if state == ExperimentState.COMPLETED else None
    if not move(EXPERIMENT_MOVES, experiment, state, ended_at=ended, registration_due_at=due):
        return False
    if due:
        enqueue("sync_tracking")
    RunEvent.objects.create(experiment=experiment, kind=kind, actor=actor)
    experiment_changed(experiment)
    return True


def _requeue(run: Run, kind: str, message: str, cause: Cause, **fields: Any) -> bool:
    if run.state not in RUN_LEASED or run.state in RUN_TERMINAL:
        return False
    if not run_move(run, RunState.QUEUED, kind, message, **fields):
        return False
    attempt_end(run, kind, cause)
    enqueue("reconcile")
    return True
