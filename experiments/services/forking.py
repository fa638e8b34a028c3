"""New runs that begin where another one left off."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from accounts.services.audit import audit
from experiments.models import Checkpoint, Experiment, Run
from experiments.search.space import applicable, complete
from experiments.selectors.checkpoints import checkpoint_to_resume, nothing_left
from experiments.services.lifecycle import event, experiment_locked, experiment_reopen
from experiments.services.searching import sets_add
from experiments.states import RunState
from mlplatform.broker import enqueue
from mlplatform.kernel.errors import Conflict, InvalidInput, NotFound

MAX_FORKS = 100


@transaction.atomic
def run_fork(
    *, user: User, run: Run, checkpoint: int | None = None, params: Mapping[str, object] | None = None
) -> Run:
    """Queue a run that begins at a checkpoint of another (by default where itself would resume), with other parameters.

    Raises Conflict if there is no checkpoint, NotFound for one that is not the run's, InvalidInput for a value,
    InvalidInput(field="checkpoint") if a run of that length is over there.
    """
    experiment = _locked(user, run)
    start = _checkpoint(run, checkpoint)
    given = params or {}
    declared = experiment.declared
    # A changed value may make others of the old set pointless; what was asked for itself is checked.
    changed = complete(declared, {**applicable(declared, {**run.params, **given}), **given})
    if reason := nothing_left(run, start, changed):
        raise InvalidInput(reason, field="checkpoint")
    (fork,) = sets_add(experiment, [changed], actor=user)
    # A pruner has nothing to say about steps that it does not make.
    fork.parent, fork.start_checkpoint, fork.judged_step = run, start, start.step
    fork.save(update_fields=["parent", "start_checkpoint", "judged_step"])
    event(fork, "forked", f"Begins at step {start.step} of run {run.number}.", actor=user)
    experiment_reopen(experiment, user)
    audit(user, "run.fork", fork.id, project=experiment.project, parent=run.number, step=start.step)
    enqueue("reconcile")
    return fork


@transaction.atomic
def run_forks(
    *, user: User, run: Run, param_sets: Sequence[Mapping[str, object]], checkpoint: int | None = None
) -> list[Run]:
    """A fork for each set of changed values, all from one checkpoint. All or none are made; see `run_fork`."""
    if not 1 <= len(param_sets) <= MAX_FORKS:
        raise InvalidInput(f"{len(param_sets)} forks are asked for; 1 to {MAX_FORKS} can be.", field="runs")
    _locked(user, run)
    start = _checkpoint(run, checkpoint).pk
    return [run_fork(user=user, run=run, checkpoint=start, params=params) for params in param_sets]


def run_continue(*, user: User, run: Run, more: int) -> Run:
    """Train a completed run further: a fork from its last checkpoint that makes `more` reports more.

    Works where a parameter says how many reports make a run. Raises Conflict or InvalidInput(field="more").
    """
    name = run.experiment.progress
    if run.state != RunState.COMPLETED:
        raise Conflict(
            f"Run {run.number} is {run.state}; only a completed run can be continued. Retry it instead."
        )
    if name not in run.params:
        raise Conflict(
            "The code does not say which parameter is the length of a run: name it as `progress` in experiment.yaml. "
            "A fork with changed parameters needs no such thing."
        )
    if more < 1:
        raise InvalidInput(f"{more} more is nothing to do; give 1 or more.", field="more")
    return run_fork(user=user, run=run, params={name: int(run.params[name]) + more})


def _locked(user: User, run: Run) -> Experiment:
    """Its experiment, locked with it: policies delete checkpoints under the run's lock, so what is chosen now stays."""
    require(user, "launch", run.experiment.project)
    experiment = experiment_locked(run.experiment_id)
    Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    return experiment


def _checkpoint(run: Run, pk: int | None) -> Checkpoint:
    if pk is not None:
        found = run.checkpoints.filter(pk=pk).first()
        if found is None:
            raise NotFound(
                f"Run {run.number} has no checkpoint {pk}; it may have been deleted by its policy."
            )
        return found
    last = checkpoint_to_resume(run)
    if last is None:
        raise Conflict(
            f"Run {run.number} has no checkpoint to begin at. Report one with ray.train.report(…, checkpoint=…), "
            "or add a new run."
        )
    return last
