"""Reading one run; tables are in selectors.tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.permissions import Person, require
from experiments.models import Experiment, Run, RunMetric
from experiments.states import RUN_LEASED, RunState
from experiments.system_metrics import PREFIX as SYSTEM
from mlplatform.kernel import clock
from mlplatform.kernel.errors import NotFound

GONE = "There is no such run, or you may not see it."
MIN_PROGRESS_FOR_ETA = 0.001


@dataclass(frozen=True)
class RunRow:
    """A run as tables show it. Times in seconds."""

    run: Run
    metrics: dict[str, RunMetric]
    seconds: float | None
    eta_seconds: float | None

    @property
    def objective(self) -> float | None:
        """What the run is compared by: the best value of the objective so far."""
        experiment = self.run.experiment
        metric = self.metrics.get(experiment.objective_metric)
        value: float | None = getattr(metric, experiment.objective_field) if metric else None
        return value


def run_get(user: Person, project_slug: str, slug: str, number: int, action: str = "view") -> Run:
    """The run, if the person may do `action` in its project. Raises NotFound or Forbidden."""
    rows = Run.objects.filter(experiment__project__slug=project_slug, experiment__slug=slug, number=number)
    return _checked(user, action, rows)


def run_at(user: Person, experiment: UUID, number: int) -> Run:
    """The same, by its number in an experiment of this id."""
    return _checked(user, "view", Run.objects.filter(experiment=experiment, number=number))


def run_by_id(user: Person, pk: UUID, action: str = "view") -> Run:
    """The same, by id."""
    return _checked(user, action, Run.objects.filter(pk=pk))


def run_row(run: Run, metrics: dict[str, RunMetric], now: datetime) -> RunRow:
    """Add the derived times to a run: it runs while it is attempted, not while it waits in between."""
    seconds = run.attempted.total_seconds() if run.attempted is not None else None
    if run.state in RUN_LEASED and run.attempt_started_at is not None:
        seconds = (seconds or 0.0) + (now - run.attempt_started_at).total_seconds()
    return RunRow(run=run, metrics=metrics, seconds=seconds, eta_seconds=_eta(run, now))


def run_details(run: Run) -> RunRow:
    """One run as tables have it."""
    metrics = {metric.name: metric for metric in run.metrics.exclude(name__startswith=SYSTEM)}
    return run_row(run, metrics, clock.now())


def run_rows_new(runs: Sequence[Run]) -> list[RunRow]:
    """Runs that were just made, so they have neither metrics nor attempts: no query."""
    now = clock.now()
    return [run_row(run, {}, now) for run in runs]


def best_objective(experiment: Experiment) -> RunMetric | None:
    """The best value of the objective, with its run, which has completed. None if there is no such value."""
    if not experiment.objective_metric:
        return None
    return (
        RunMetric.objects.filter(
            experiment=experiment,
            name=experiment.objective_metric,
            value__isnull=False,
            run__state=RunState.COMPLETED,
        )
        .select_related("run__experiment__project")
        .order_by("-value" if experiment.objective_field == "max" else "value", "run_number")
        .first()
    )


def _checked(user: Person, action: str, rows: "QuerySet[Run]") -> Run:
    run = (
        rows.filter(experiment__deleted_at=None)
        .select_related(
            "experiment__project", "experiment__bundle", "parent", "start_checkpoint", "tracking_sync"
        )
        .first()
    )
    if run is None:
        raise NotFound(GONE)
    try:
        require(user, action, run.experiment.project)
    except NotFound:
        raise NotFound(GONE) from None
    return run


def seconds_per_run(run: Run, now: datetime) -> float | None:
    """How long a whole run takes at the speed of this one, None if that is not known yet."""
    if run.state != RunState.RUNNING or run.progress is None or run.attempt_started_at is None:
        return None
    done = run.progress - run.progress_base
    return (now - run.attempt_started_at).total_seconds() / done if done >= MIN_PROGRESS_FOR_ETA else None


def _eta(run: Run, now: datetime) -> float | None:
    each = seconds_per_run(run, now)
    return None if each is None or run.progress is None else each * (1 - run.progress)
