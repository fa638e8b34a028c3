"""What people do to runs and experiments after launch: cancel, retry, pause and resume."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.permissions import require
from accounts.services.audit import audit
from experiments.models import Experiment, Run
from experiments.services.bulk import runs_end, runs_open, runs_requeue
from experiments.services.lifecycle import (
    PAUSING,
    experiment_locked,
    experiment_move,
    experiment_reopen,
    run_ask_to_stop,
    run_take_pause_back,
)
from experiments.states import EXPERIMENT_OPEN, RUN_LEASED, ExperimentState, RunState, StopReason
from mlplatform.broker import enqueue
from mlplatform.kernel.errors import Conflict


@dataclass(frozen=True)
class Outcome:
    """What an action on several runs did: numbers of the runs it changed, and of those whose state did not allow it."""

    changed: list[int]
    skipped: list[int]


@transaction.atomic
def run_cancel(*, user: User, run: Run) -> Run:
    """Cancel a run: at once if it waits, at its next report if it runs. Raises Conflict for a finished one."""
    experiment = run.experiment
    require(user, "control", experiment.project)
    ended = runs_end(experiment, _only(run), StopReason.CANCELED, actor=user)
    run.refresh_from_db()
    if not ended:
        raise Conflict(f"Run {run.number} is {run.state} already, so it cannot be canceled.")
    audit(user, "run.cancel", run.id, project=experiment.project)
    return run


@transaction.atomic
def run_retry(*, user: User, run: Run) -> Run:
    """Queue a failed or canceled run again; it resumes from its last checkpoint. Raises Conflict for any other."""
    require(user, "control", run.experiment.project)
    # Before the run, as everybody does; otherwise it could be completed while its run goes back to the queue.
    experiment = experiment_locked(run.experiment_id)
    queued = runs_requeue(experiment, _only(run), user)
    run.refresh_from_db()
    if not queued:
        raise Conflict(f"Run {run.number} is {run.state}; only failed and canceled runs can be retried.")
    experiment_reopen(experiment, user)
    audit(user, "run.retry", run.id, project=experiment.project)
    enqueue("reconcile")
    return run


@transaction.atomic
def runs_cancel(*, user: User, experiment: Experiment, numbers: Collection[int]) -> Outcome:
    """Cancel several runs of an experiment; those that are over are skipped."""
    require(user, "control", experiment.project)
    experiment = experiment_locked(experiment.pk)
    runs = experiment.runs.filter(number__in=numbers)
    ended = runs_end(experiment, runs, StopReason.CANCELED, actor=user)
    return _outcome(user, experiment, "runs.cancel", numbers, [run.number for run in ended])


@transaction.atomic
def runs_retry(*, user: User, experiment: Experiment, numbers: Collection[int] | None = None) -> Outcome:
    """Queue several failed or canceled runs again; without numbers all that failed. Others are skipped."""
    require(user, "control", experiment.project)
    experiment = experiment_locked(experiment.pk)
    runs = experiment.runs.filter(state=RunState.FAILED)
    if numbers is not None:
        runs = experiment.runs.filter(number__in=numbers)
    ids = runs_requeue(experiment, runs, user)
    if ids:
        experiment_reopen(experiment, user)
    queued = list(Run.objects.filter(pk__in=ids).order_by("number").values_list("number", flat=True))
    return _outcome(user, experiment, "runs.retry", queued if numbers is None else numbers, queued)


@transaction.atomic
def experiment_cancel(*, user: User, experiment: Experiment) -> Experiment:
    """Cancel everything of it that has not finished; its search makes no more sets. Raises Conflict if it is over."""
    require(user, "control", experiment.project)
    experiment = experiment_locked(experiment.pk)
    if experiment.state not in EXPERIMENT_OPEN:
        raise Conflict(f"The experiment is {experiment.state} already.")
    runs_end(experiment, experiment.runs.all(), StopReason.CANCELED, actor=user)
    experiment.search_stopped = True
    experiment.save(update_fields=["search_stopped"])
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
    for run in runs_open(experiment.runs.all()):
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
    for run in runs_open(experiment.runs.all()):
        run_take_pause_back(run, actor=user)
    experiment_move(experiment, ExperimentState.ACTIVE, "resumed", actor=user)
    audit(user, "experiment.resume", experiment.slug, project=experiment.project)
    enqueue("reconcile")
    return experiment


def _only(run: Run) -> "QuerySet[Run]":
    return Run.objects.filter(pk=run.pk)


def _outcome(
    user: User, experiment: Experiment, verb: str, numbers: Collection[int], changed: list[int]
) -> Outcome:
    audit(user, verb, experiment.slug, project=experiment.project, runs=changed)
    enqueue("reconcile")
    return Outcome(changed, sorted(set(numbers) - set(changed)))
