"""Reading runs: one, or the table of an experiment sorted by anything."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.expressions import OrderBy
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Coalesce, Now

from accounts.permissions import Person, require
from experiments.models import Attempt, Experiment, Run, RunMetric
from experiments.states import RunState
from mlplatform.kernel import clock
from mlplatform.kernel.errors import InvalidInput, NotFound

GONE = "There is no such run, or you may not see it."
Spans = Sequence[tuple[datetime, datetime | None]]
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


@dataclass(frozen=True)
class RunTable:
    """All runs of an experiment in the order of `sort`."""

    rows: list[RunRow]
    metric_names: list[str]
    param_names: list[str]
    sort: str


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


def run_table(experiment: Experiment, sort: str = "number") -> RunTable:
    """Runs with their metric summaries: a fixed number of queries. Raises InvalidInput for an unknown sort.

    Metrics sort by their last value, the objective by its best.
    """
    runs = list(_sorted(experiment, sort))
    metrics: dict[UUID, dict[str, RunMetric]] = defaultdict(dict)
    for metric in RunMetric.objects.filter(experiment=experiment):
        metrics[metric.run_id][metric.name] = metric
    spans: dict[UUID, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    attempts = Attempt.objects.filter(run__experiment=experiment)
    for run_id, start, end in attempts.values_list("run_id", "started_at", "ended_at"):
        spans[run_id].append((start, end))
    now = clock.now()
    names = {name for by_name in metrics.values() for name in by_name}
    objective = experiment.objective_metric
    return RunTable(
        rows=[run_row(run, metrics[run.id], spans[run.id], now) for run in runs],
        metric_names=sorted(names | ({objective} - {""}), key=lambda name: (name != objective, name)),
        param_names=list(experiment.declared),
        sort=sort,
    )


def run_row(run: Run, metrics: dict[str, RunMetric], attempts: Spans, now: datetime) -> RunRow:
    """Add the derived times to a run: it runs while it is attempted, not while it waits in between."""
    seconds = sum(((end or now) - start).total_seconds() for start, end in attempts) if attempts else None
    return RunRow(run=run, metrics=metrics, seconds=seconds, eta_seconds=_eta(run, now))


def run_details(run: Run) -> RunRow:
    """One run as `run_table` has it."""
    metrics = {metric.name: metric for metric in run.metrics.all()}
    return run_row(run, metrics, list(run.attempts.values_list("started_at", "ended_at")), clock.now())


def run_rows_new(runs: Sequence[Run]) -> list[RunRow]:
    """Runs that were just made, so they have neither metrics nor attempts: no query."""
    now = clock.now()
    return [run_row(run, {}, (), now) for run in runs]


def best_run(experiment: Experiment) -> Run | None:
    """The completed run with the best value of the objective, None without objective or completed runs."""
    if not experiment.objective_metric:
        return None
    field = experiment.objective_field
    best = (
        RunMetric.objects.filter(
            experiment=experiment, name=experiment.objective_metric, run__state=RunState.COMPLETED
        )
        .exclude(**{field: None})
        .select_related("run__experiment__project")
        .order_by(OrderBy(F(field), descending=field == "max"), "run__number")
        .first()
    )
    return best.run if best else None


def _checked(user: Person, action: str, rows: "QuerySet[Run]") -> Run:
    run = rows.select_related(
        "experiment__project", "experiment__bundle", "parent", "start_checkpoint", "tracking_sync"
    ).first()
    if run is None:
        raise NotFound(GONE)
    try:
        require(user, action, run.experiment.project)
    except NotFound:
        raise NotFound(GONE) from None
    return run


def _eta(run: Run, now: datetime) -> float | None:
    if run.state != RunState.RUNNING or run.progress is None or run.attempt_started_at is None:
        return None
    done = run.progress - run.progress_base
    if done < MIN_PROGRESS_FOR_ETA:
        return None
    return (now - run.attempt_started_at).total_seconds() / done * (1 - run.progress)


def _sorted(experiment: Experiment, sort: str) -> "QuerySet[Run]":
    runs = Run.objects.filter(experiment=experiment).select_related("experiment__project", "tracking_sync")
    descending = sort.startswith("-")
    kind, _, name = sort.lstrip("-").partition(":")
    match kind:
        case "number" | "state" if not name:
            key = F(kind)
        case "seconds" if not name:
            runs = runs.annotate(
                sort_key=Sum(Coalesce("attempts__ended_at", Now()) - F("attempts__started_at"))
            )
            key = F("sort_key")
        case "param" if name in experiment.declared:
            # PostgreSQL orders JSON numbers as numbers and JSON strings as text.
            runs = runs.annotate(sort_key=KeyTransform(name, "params"))
            key = F("sort_key")
        case "metric" if name:
            field = experiment.objective_field if name == experiment.objective_metric else "last"
            value = (
                RunMetric.objects.filter(run=OuterRef("pk"), name=name)
                .exclude(**{field: float("nan")})
                .values(field)
            )
            runs = runs.annotate(sort_key=Subquery(value))
            key = F("sort_key")
        case _:
            raise InvalidInput(
                f"Cannot sort by {sort!r}; use number, state, seconds, param:<name> or metric:<name>, "
                "with - for descending.",
                field="sort",
            )
    # What has no value comes last either way.
    return runs.order_by(OrderBy(key, descending=descending, nulls_last=True), "number")
