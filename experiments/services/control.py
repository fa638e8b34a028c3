"""What people do to runs and experiments after launch: cancel and retry."""

from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from accounts.services.audit import audit
from experiments.models import Experiment, Run
from experiments.services.lifecycle import event, experiment_move, run_changed, run_finish, run_requeue_by
from experiments.states import ExperimentState, RunState
from mlplatform.broker import enqueue
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict

CANCELED = "canceled"


@transaction.atomic
def run_cancel(*, user: User, run: Run) -> Run:
    """Cancel a run: at once if it waits, at its next report if it runs. Raises Conflict for a finished one."""
    require(user, "control", run.experiment.project)
    run = _locked(run)
    if run.is_terminal:
        raise Conflict(f"Run {run.number} is {run.state} already, so it cannot be canceled.")
    _cancel(run, user)
    audit(user, "run.cancel", run.id, project=run.experiment.project)
    return run


@transaction.atomic
def run_retry(*, user: User, run: Run) -> Run:
    """Queue a failed or canceled run again; it resumes from its last checkpoint. Raises Conflict for any other."""
    require(user, "control", run.experiment.project)
    # Before the run, as everybody does; otherwise it could be completed while its run goes back to the queue.
    experiment = Experiment.objects.select_for_update(of=("self",), no_key=True).get(pk=run.experiment_id)
    run = _locked(run)
    if run.state not in (RunState.FAILED, RunState.CANCELED):
        raise Conflict(f"Run {run.number} is {run.state}; only failed and canceled runs can be retried.")
    run_requeue_by(run, user)
    if experiment.state != ExperimentState.ACTIVE:
        experiment_move(experiment, ExperimentState.ACTIVE, "reopened", actor=user)
    audit(user, "run.retry", run.id, project=run.experiment.project)
    enqueue("reconcile")
    return run


@transaction.atomic
def experiment_cancel(*, user: User, experiment: Experiment) -> Experiment:
    """Cancel everything of it that has not finished. Raises Conflict if it is over."""
    require(user, "control", experiment.project)
    experiment = (
        Experiment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project")
        .get(pk=experiment.pk)
    )
    if experiment.state != ExperimentState.ACTIVE:
        raise Conflict(f"The experiment is {experiment.state} already.")
    open_runs = experiment.runs.select_for_update(of=("self",), no_key=True).filter(
        state__in=["queued", "starting", "running"]
    )
    for run in open_runs:
        _cancel(run, user)
    experiment_move(experiment, ExperimentState.CANCELED, "canceled", actor=user)
    audit(user, "experiment.cancel", experiment.slug, project=experiment.project)
    enqueue("reconcile")
    return experiment


def _cancel(run: Run, user: User) -> None:
    if run.state == RunState.QUEUED:
        run_finish(run, RunState.CANCELED, actor=user)
    elif not run.stop_reason:
        run.stop_reason, run.stop_requested_at = CANCELED, clock.now()
        run.save(update_fields=["stop_reason", "stop_requested_at"])
        event(run, "stop_requested", "Cancel was asked for; it stops at its next report.", actor=user)
        run_changed(run)


def _locked(run: Run) -> Run:
    return (
        Run.objects.select_for_update(of=("self",), no_key=True)
        .select_related("experiment__project")
        .get(pk=run.pk)
    )
