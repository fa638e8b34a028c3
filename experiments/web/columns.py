"""Columns of the tables of runs and of sets: what to show, and where a click on each header leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from experiments.models import Experiment
from experiments.search.parameters import NUMERIC
from experiments.search.space import ParamSet
from experiments.selectors.groups import SetRow
from experiments.selectors.runs import RunTable

MAX_METRICS = 8


@dataclass(frozen=True)
class Column:
    """One column. `aria_sort` is empty unless the table is sorted by it."""

    kind: str
    name: str
    label: str
    href: str
    aria_sort: str
    numeric: bool


@dataclass(frozen=True)
class Columns:
    """The columns that are shown, the parameters that are the same in every line, which are said once above the table,
    and the metrics for which the table has no room, each as a link that sorts by it and shows it.
    """

    shown: list[Column]
    shared: list[tuple[str, Any]]
    more_sorts: list[Column]


@dataclass(frozen=True)
class _Links:
    """Makes columns of a table that is sorted by `sort` and shown at the page's address with `query`."""

    sort: str
    query: dict[str, str]

    def column(
        self, kind: str, name: str, label: str, *, numeric: bool = False, descending: bool = False
    ) -> Column:
        key = f"{kind}:{name}" if name else kind
        now = {key: "ascending", f"-{key}": "descending"}.get(self.sort, "")
        wanted = now == "ascending" or (not now and descending)
        query = {**self.query, "sort": f"-{key}" if wanted else key}
        return Column(kind, name, label, f"?{urlencode(query)}", now, numeric)


def run_columns(experiment: Experiment, table: RunTable) -> Columns:
    """Columns of the table of runs."""
    links = _Links(table.sort, {})
    first = [
        links.column("number", "", "Run"),
        links.column("state", "", "State"),
        Column("progress", "", "Progress", "", "", numeric=False),
    ]
    return _columns(experiment, table, links, first, [row.run.params for row in table.rows])


def set_columns(experiment: Experiment, table: RunTable, rows: Sequence[SetRow], sort: str) -> Columns:
    """Columns of the table of sets."""
    links = _Links(sort, {"group": "set"})
    first = [
        links.column("number", "", "Set"),
        Column("runs", "", "Runs", "", "", numeric=False),
        Column("states", "", "States", "", "", numeric=False),
    ]
    return _columns(experiment, table, links, first, [row.params for row in rows])


def _columns(
    experiment: Experiment, table: RunTable, links: _Links, first: list[Column], sets: Sequence[ParamSet]
) -> Columns:
    params = {name: [given.get(name) for given in sets] for name in table.param_names}
    shared = [
        (name, values[0])
        for name, values in params.items()
        if values and values[0] is not None and all(value == values[0] for value in values)
    ]
    # One that applies to no set at all is left out.
    varying = [
        name
        for name, values in params.items()
        if name not in dict(shared) and (not values or any(value is not None for value in values))
    ]
    declared = experiment.declared
    shown = _shown_metrics(table, links.sort)
    metrics = [_metric(experiment, links, name) for name in shown]
    # What decides stands where a narrow screen still shows it.
    decides = [column for column in metrics if column.name == experiment.objective_metric]
    return Columns(
        shown=[
            *first,
            *decides,
            *(links.column("param", name, name, numeric=declared[name].type in NUMERIC) for name in varying),
            *(column for column in metrics if column not in decides),
            links.column("seconds", "", "Run time", numeric=True),
        ],
        shared=shared,
        more_sorts=[_metric(experiment, links, name) for name in table.metric_names if name not in shown],
    )


def _shown_metrics(table: RunTable, sort: str) -> list[str]:
    """The first metrics, and the one that the table is sorted by."""
    kind, _, name = sort.removeprefix("-").partition(":")
    shown = table.metric_names[:MAX_METRICS]
    is_hidden = kind == "metric" and name in table.metric_names[MAX_METRICS:]
    return [*shown, name] if is_hidden else shown


def _metric(experiment: Experiment, links: _Links, name: str) -> Column:
    is_objective = name == experiment.objective_metric
    # The first click on a metric shows its high values first, unless low ones are better.
    high = not is_objective or experiment.objective_field == "max"
    label = f"{name} (best)" if is_objective else name
    return links.column("metric", name, label, numeric=True, descending=high)
