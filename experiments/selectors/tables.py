"""Tables of runs: filtered by a query, sorted by any field, a page at a time."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from accounts.models import Project
from experiments.models import Experiment, Run, RunMetric
from experiments.query.check import Names, check
from experiments.query.errors import QueryError
from experiments.query.parser import Sort, parse, parse_sort
from experiments.selectors.conditions import Scope
from experiments.selectors.matching import Matches, matches
from experiments.selectors.names import MAX_NAMES, Named, metrics_named, params_named
from experiments.selectors.orders import run_phases
from experiments.selectors.paging import Page, Phase, page
from experiments.selectors.runs import RunRow, run_row
from experiments.system_metrics import PREFIX as SYSTEM
from mlplatform.kernel import clock
from mlplatform.kernel.errors import InvalidInput

PAGE_ROWS = 50
Row = TypeVar("Row")


@dataclass(frozen=True)
class RunSpace:
    """Where runs are looked for: in one experiment or in all of a project, with the names that they have."""

    scope: Scope
    metrics: list[Named]
    params: list[Named]

    @property
    def names(self) -> Names:
        """What queries may name."""
        return Names(_known(self.metrics), _known(self.params))


@dataclass(frozen=True)
class Table(Generic[Row]):
    """One page of rows; `count` is of all that match, None if nothing was asked for."""

    rows: list[Row]
    page: Page
    count: int | None


@dataclass(frozen=True)
class TableReader(Generic[Row]):
    """Reads tables of one kind of rows: its orders, the rows of these names with these metrics, how many there are."""

    phases: Callable[[Matches, Sort], list[Phase]]
    rows: Callable[[Matches, Sequence[Any], Sequence[str] | None], list[Row]]
    count: Callable[[Matches], int]

    def __call__(
        self,
        space: RunSpace,
        *,
        where: str = "",
        sort: str = "number",
        cursor: str = "",
        limit: int = PAGE_ROWS,
        metrics: Sequence[str] | None = None,
    ) -> Table[Row]:
        """A page of rows with summaries of some metrics (by default all): a fixed number of queries.

        Raises QueryError for the query, InvalidInput(field="sort") and InvalidInput(field="after").
        """
        order = checked_sort(space, sort)
        found = runs_matching(space, where)
        shown = page(self.phases(found, order), order, cursor=cursor, limit=limit)
        count = None if found.count is None else self.count(found)
        return Table(self.rows(found, shown.names, metrics), shown, count)

    def total(self, space: RunSpace) -> int:
        """How many there are in all. One query, of an index."""
        return self.count(Matches(space.scope))


def experiment_space(experiment: Experiment) -> RunSpace:
    """The runs of an experiment. Two queries."""
    scope = Scope((experiment.pk,))
    return _space(scope, {experiment.objective_metric} - {""}, experiment.declared)


def project_space(project: Project) -> RunSpace:
    """The runs of all experiments of a project. Three queries."""
    rows = list(Experiment.objects.filter(project=project).values_list("pk", "objective_metric"))
    return _space(Scope(tuple(pk for pk, _ in rows)), {metric for _, metric in rows} - {""}, ())


def runs_matching(space: RunSpace, where: str) -> Matches:
    """Runs for which a query holds. Raises QueryError."""
    node = parse(where)
    if node is not None:
        check(node, space.names)
    return matches(space.scope, node)


def checked_sort(space: RunSpace, text: str) -> Sort:
    """Raises InvalidInput(field="sort") for what is no order here."""
    sort = parse_sort(text)
    try:
        space.names.check(sort.field)
    except QueryError as error:
        raise InvalidInput(f"Cannot sort by {text!r}: {error.problem}", field="sort") from None
    return sort


def rows_of(ids: Sequence[UUID], metrics: Sequence[str] | None) -> list[RunRow]:
    """Runs in the order of their ids, with summaries of these metrics, or of all but those of machines. Four queries.

    Runs of one experiment share it: reading it from JSON takes longer than a query.
    """
    found = Run.objects.select_related("tracking_sync").prefetch_related("experiment__project")
    runs = found.in_bulk(ids)
    summaries: dict[UUID, dict[str, RunMetric]] = defaultdict(dict)
    rows = RunMetric.objects.filter(run__in=ids)
    for metric in rows.exclude(name__startswith=SYSTEM) if metrics is None else rows.filter(name__in=metrics):
        summaries[metric.run_id][metric.name] = metric
    now = clock.now()
    return [run_row(runs[pk], summaries[pk], now) for pk in ids if pk in runs]


def rows_numbered(
    experiment: Experiment, numbers: Sequence[int], metrics: Sequence[str] | None
) -> list[RunRow]:
    """Those of the numbers that the experiment has, in this order. Five queries, or none for no numbers."""
    if not numbers:
        return []
    ids = dict(Run.objects.filter(experiment=experiment, number__in=numbers).values_list("number", "pk"))
    return rows_of([ids[number] for number in numbers if number in ids], metrics)


def _run_rows(found: Matches, ids: Sequence[UUID], metrics: Sequence[str] | None) -> list[RunRow]:
    return rows_of(ids, metrics)


def _run_count(found: Matches) -> int:
    return found.runs.count() if found.count is None else found.count


run_table = TableReader(run_phases, _run_rows, _run_count)


def _space(scope: Scope, objectives: set[str], declared: Iterable[str]) -> RunSpace:
    metrics, params = metrics_named(scope), {named.name: named for named in params_named(scope)}
    reported = {named.name for named in metrics}
    metrics += [Named(name, is_used=False) for name in sorted(objectives - reported)]
    ordered = list(dict.fromkeys([*declared, *params]))
    return RunSpace(
        scope=scope,
        metrics=sorted(metrics, key=lambda named: (named.name not in objectives, named.name)),
        params=[params.get(name, Named(name, is_used=False)) for name in ordered],
    )


def _known(named: Sequence[Named]) -> list[str] | None:
    return [one.name for one in named] if len(named) < MAX_NAMES else None
