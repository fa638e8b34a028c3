"""What people do to runs and experiments after launch: cancel, retry, pause and resume."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.permissions import require
from accounts.services.audit import audit
from experiments.models import Experiment, Run
from experiments.services.lifecycle import (
    PAUSING,
    experiment_locked,
    experiment_move,
    experiment_reopen,
    run_ask_to_stop,
    run_finish,
    run_requeue_by,
    run_take_pause_back,
)
from experiments.states import RUN_LEASED, RUN_OPEN, ExperimentState, RunState, StopReason
from mlplatform.broker import enqueue
from mlplatform.kernel.errors import Conflict

RETRIABLE = frozenset({RunState.FAILED.value, RunState.CANCELED.value})
AT_NEXT_REPORT = "Cancel was asked for; it stops at its next report."


@dataclass(frozen=True)
class Outcome:
    """What an action on several runs did: numbers of the runs it changed, and of those whose state did not allow it."""

    changed: list[int]
    skipped: list[int]


@transaction.atomic
def run_cancel(*, user: User, run: Run) -> Run:
    """Cancel a run: at once if it waits, at its next report if it runs. Raises Conflict for a finished one."""
    require(user, "control", run.experiment.project)
    run = _locked(run)
    if not _cancel(run, user):
        raise Conflict(f"Run {run.number} is {run.state} already, so it cannot be canceled.")
    audit(user, "run.cancel", run.id, project=run.experiment.project)
    return run


@transaction.atomic
def run_retry(*, user: User, run: Run) -> Run:
    """Queue a failed or canceled run again; it resumes from its last checkpoint. Raises Conflict for any other."""
    require(user, "control", run.experiment.project)
    # Before the run, as everybody does; otherwise it could be completed while its run goes back to the queue.
    experiment = experiment_locked(run.experiment_id)
    run = _locked(run)
    if not _retry(run, user):
        raise Conflict(f"Run {run.number} is {run.state}; only failed and canceled runs can be retried.")
    experiment_reopen(experiment, user)
    audit(user, "run.retry", run.id, project=run.experiment.project)
    enqueue("reconcile")
    return run


def runs_cancel(*, user: User, experiment: Experiment, numbers: Collection[int]) -> Outcome:
    """Cancel several runs of an experiment; those that are over are skipped."""
    return _each(user, experiment, "runs.cancel", numbers, _cancel)


@transaction.atomic
def runs_retry(*, user: User, experiment: Experiment, numbers: Collection[int] | None = None) -> Outcome:
    """Queue several failed or canceled runs again; without numbers all that failed. Others are skipped."""
    if numbers is None:
        failed = experiment.runs.filter(state=RunState.FAILED)
        numbers = list(failed.values_list("number", flat=True))
    outcome = _each(user, experiment, "runs.retry", numbers, _retry)
    if outcome.changed:
        experiment_reopen(experiment_locked(experiment.pk), user)
    return outcome


@transaction.atomic
def experiment_cancel(*, user: User, experiment: Experiment) -> Experiment:
    """Cancel everything of it that has not finished. Raises Conflict if it is over."""
    require(user, "control", experiment.project)
    experiment = experiment_locked(experiment.pk)
    if experiment.state not in (ExperimentState.ACTIVE, ExperimentState.PAUSED):
        raise Conflict(f"The experiment is {experiment.state} already.")
    for run in _open(experiment):
        _cancel(run, user)
    experiment_move(experiment, ExperimentState.CANCELED, "canceled", actor=user)
    audit(user, "experiment.cancel", experiment.slug, project=experiment.project)
    enqueue("reconcile")
    return experiment


@transaction.atomic
def experiment_pause(*, user: User, experiment: Experiment) -> Experiment:
    """Start nothing more; what runs goes back to the queue at its next checkpoint. Raises Conflict if not active."""
    require(user, "control", experiment.project)
    experiment = experiment_locked(experiment.pk)
    if experiment.state != ExperimentState.ACTIVE:
        raise Conflict(f"The experiment is {experiment.state}; only an active one can be paused.")
    for run in _open(experiment):
        if run.state in RUN_LEASED:
            run_ask_to_stop(run, StopReason.PAUSED, PAUSING, actor=user)
    experiment_move(experiment, ExperimentState.PAUSED, "paused", actor=user)
    audit(user, "experiment.pause", experiment.slug, project=experiment.project)
    enqueue("reconcile")
    return experiment


@transaction.atomic
def experiment_resume(*, user: User, experiment: Experiment) -> Experiment:
    """Go on with the queue; what has not stopped yet trains on. Raises Conflict if it is not paused."""
    require(user, "control", experiment.project)
    experiment = experiment_locked(experiment.pk)
    if experiment.state != ExperimentState.PAUSED:
        raise Conflict(f"The experiment is {experiment.state}; only a paused one can be resumed.")
    for run in _open(experiment):
        run_take_pause_back(run, actor=user)
    experiment_move(experiment, ExperimentState.ACTIVE, "resumed", actor=user)
    audit(user, "experiment.resume", experiment.slug, project=experiment.project)
    enqueue("reconcile")
    return experiment


@transaction.atomic
def _each(
    user: User, experiment: Experiment, verb: str, numbers: Collection[int], act: Callable[[Run, User], bool]
) -> Outcome:
    require(user, "control", experiment.project)
    experiment = experiment_locked(experiment.pk)
    runs = list(_rows(experiment).filter(number__in=numbers).order_by("number"))
    changed = [run.number for run in runs if act(run, user)]
    audit(user, verb, experiment.slug, project=experiment.project, runs=changed)
    enqueue("reconcile")
    return Outcome(changed, sorted(set(numbers) - set(changed)))


def _cancel(run: Run, user: User) -> bool:
    """False for a run that is over."""
    if run.is_terminal:
        return False
    if run.state == RunState.QUEUED:
        run_finish(run, RunState.CANCELED, actor=user)
    else:
        run_ask_to_stop(run, StopReason.CANCELED, AT_NEXT_REPORT, actor=user)
    return True


def _retry(run: Run, user: User) -> bool:
    """False for a run whose state does not allow it."""
    return run.state in RETRIABLE and run_requeue_by(run, user)


def _open(experiment: Experiment) -> "QuerySet[Run]":
    """What is not over. Also what waits: it may be leased at this moment, and its lock waits for that."""
    return _rows(experiment).filter(state__in=RUN_OPEN)


def _rows(experiment: Experiment) -> "QuerySet[Run]":
    return experiment.runs.select_for_update(of=("self",), no_key=True).select_related("experiment__project")


def _locked(run: Run) -> Run:
    return (
        Run.objects.select_for_update(of=("self",), no_key=True)
        .select_related("experiment__project")
        .get(pk=run.pk)
    )
