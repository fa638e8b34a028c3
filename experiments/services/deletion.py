"""Deleting finished runs and whole experiments, for real.

What is deleted is gone from every page and from the API as soon as the call returns. `services.purging` then takes it
apart in bounded steps: rows of the database, folders of the storage, runs and models of MLflow. Whoever dies in the
middle leaves rows that say what is left; nothing is done twice, and what cannot be reached now is tried again.

Deleting a whole project: `experiments_hide` all that it has, then wait until its rows of Deletion have ended before its
code and its own row go (`services.project_purge`).
"""

from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Project, User
from accounts.permissions import require
from accounts.services.audit import audit
from experiments.models import Deletion, Experiment, ModelVersion, Run, RunEvent
from experiments.services.control import Outcome
from experiments.services.lifecycle import experiment_changed, experiment_locked, runs_changed
from experiments.services.purging import runs_erase
from experiments.states import EXPERIMENT_OPEN, RUN_OPEN
from mlplatform.broker import enqueue
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict, InvalidInput

# In one call: their rows go while somebody waits.
MAX_RUNS = 500


def run_delete(*, user: User, run: Run) -> Deletion:
    """Delete a run that is over. Needs `control`.

    Raises Conflict if it is open (cancel it first), or if another run was forked from it (delete that one first).
    """
    outcome, deletion = _delete(user, run.experiment, {run.number})
    if deletion is None:
        raise Conflict(_why_not(run.experiment, outcome.skipped))
    return deletion


def runs_delete(*, user: User, experiment: Experiment, numbers: Collection[int]) -> Outcome:
    """Delete several runs; those that are open, or that a run which stays was forked from, are skipped.

    Needs `control`. Raises InvalidInput for more than MAX_RUNS.
    """
    return _delete(user, experiment, set(numbers))[0]


@transaction.atomic
def experiment_delete(*, user: User, experiment: Experiment) -> Deletion:
    """Delete an experiment with everything that belongs to it. Needs `control`. Its code stays in the project.

    Raises Conflict while it is open: cancel it first, and let what trains come to its end.
    """
    require(user, "control", experiment.project)
    experiment = experiment_locked(experiment.pk)
    rows = Experiment.objects.filter(pk=experiment.pk)
    experiments_must_be_over(rows)
    deletion = experiments_hide(
        experiments=rows, project=experiment.project, user=user, what=f"Experiment {experiment.name}"
    )
    audit(user, "experiment.delete", experiment.slug, project=experiment.project, runs=deletion.runs)
    experiment_changed(experiment)
    return deletion


def experiments_must_be_over(experiments: "QuerySet[Experiment]") -> None:
    """Raise Conflict naming the first of the experiments that is open or has an open run. Three queries at most."""
    found = experiments.filter(state__in=EXPERIMENT_OPEN).order_by("created_at").first()
    if found is not None:
        raise Conflict(f"The experiment {found.name} is {found.state}; cancel it first, then delete it.")
    run = (
        Run.objects.filter(experiment__in=experiments, state__in=RUN_OPEN)
        .select_related("experiment")
        .first()
    )
    if run is not None:
        raise Conflict(
            f"Run {run.number} of {run.experiment.name} is {run.state}; cancel it and wait until it has stopped."
        )


def experiments_hide(
    *, experiments: "QuerySet[Experiment]", project: Project | None, user: User | None, what: str
) -> Deletion:
    """Mark experiments as deleted: nobody sees them or their models any more; the actor `purge_deleted` does the rest.

    Call it in a transaction, with the experiments locked and over (`experiments_must_be_over`), and with rights checked
    and audited by yourself. A fixed number of statements, whatever they have.
    """
    ids = list(experiments.values_list("pk", flat=True))
    deletion = Deletion.objects.create(
        project=project, actor=user, what=what[:300], runs=Run.objects.filter(experiment__in=ids).count()
    )
    ModelVersion.objects.filter(run__experiment__in=ids).delete()
    Experiment.objects.filter(pk__in=ids).update(
        deleted_at=clock.now(), deletion=deletion, registration_due_at=None
    )
    enqueue("purge_deleted")
    return deletion


@transaction.atomic
def _delete(user: User, experiment: Experiment, numbers: Collection[int]) -> tuple[Outcome, Deletion | None]:
    require(user, "control", experiment.project)
    if len(numbers) > MAX_RUNS:
        raise InvalidInput(
            f"{len(numbers)} runs are more than the {MAX_RUNS} that can be deleted at a time.",
            field="numbers",
        )
    experiment = experiment_locked(experiment.pk)
    # The lock of a run: its policy, its forks and MLflow's outbox wait for it, or have been before us.
    rows = experiment.runs.filter(number__in=numbers).exclude(state__in=RUN_OPEN).order_by("number")
    runs = list(rows.select_for_update(of=("self",)).only("number", "experiment", "parent"))
    going = {run.pk for run in runs}
    while held := set(
        Run.objects.filter(parent__in=going).exclude(pk__in=going).values_list("parent_id", flat=True)
    ):
        going -= held
    gone = [run for run in runs if run.pk in going]
    changed = [run.number for run in gone]
    outcome = Outcome(changed, sorted(set(numbers) - set(changed)))
    if not gone:
        return outcome, None
    deletion = Deletion.objects.create(
        project=experiment.project, actor=user, what=_words(experiment, changed), runs=len(gone)
    )
    runs_erase(experiment, going, deletion)
    listed = ", ".join(map(str, changed))
    RunEvent.objects.create(
        experiment=experiment, kind="runs_deleted", message=f"Runs {listed}"[:500], actor=user
    )
    audit(user, "runs.delete", experiment.slug, project=experiment.project, runs=changed)
    runs_changed(experiment.pk, list(going))
    experiment_changed(experiment)
    enqueue("purge_deleted")
    return outcome, deletion


def _words(experiment: Experiment, numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"Run {numbers[0]} of {experiment.name}"
    return f"{len(numbers)} runs of {experiment.name} ({numbers[0]} to {numbers[-1]})"


def _why_not(experiment: Experiment, numbers: Collection[int]) -> str:
    """In words, for one run."""
    run = Run.objects.filter(experiment=experiment, number__in=numbers).first()
    if run is None:
        return "The run is gone already."
    if not run.is_terminal:
        return f"Run {run.number} is {run.state}; cancel it first, then delete it."
    forks = run.forks.order_by("number").values_list("number", flat=True)
    listed = ", ".join(f"#{number}" for number in forks[:20])
    return f"Run {run.number} is where {listed} began; delete what was forked from it first, or all together."
