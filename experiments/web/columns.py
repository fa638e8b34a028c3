"""Columns of the runs table: what to show, and where a click on each header leads."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from experiments.models import Experiment
from experiments.selectors.runs import RunTable

MAX_METRICS = 8
NUMERIC = ("int", "float")


@dataclass(frozen=True)
class Column:
    """One column. `aria_sort` is empty unless the table is sorted by it."""

    kind: str
    name: str
    label: str
    href: str
    aria_sort: str
    numeric: bool


def columns_for(experiment: Experiment, table: RunTable) -> tuple[list[Column], list[tuple[str, Any]]]:
    """The columns, and the parameters that are the same in every run: those are said once, above the table."""
    params = {name: [row.run.params.get(name) for row in table.rows] for name in table.param_names}
    shared = [
        (name, values[0])
        for name, values in params.items()
        if values and all(value == values[0] for value in values)
    ]
    varying = [name for name in params if name not in dict(shared)]
    columns = [
        _column(table, "number", "", "Run"),
        _column(table, "state", "", "State"),
        Column("progress", "", "Progress", "", "", numeric=False),
    ]
    declared = experiment.declared
    for name in varying:
        numeric = declared[name].type in NUMERIC
        columns.append(_column(table, "param", name, name, numeric=numeric))
    # The first click on a metric shows its high values first, unless low ones are better.
    for name in table.metric_names[:MAX_METRICS]:
        high = name != experiment.objective_metric or experiment.objective_direction == "maximize"
        columns.append(_column(table, "metric", name, name, numeric=True, descending=high))
    columns.append(_column(table, "seconds", "", "Run time", numeric=True))
    return columns, shared


def _column(
    table: RunTable, kind: str, name: str, label: str, *, numeric: bool = False, descending: bool = False
) -> Column:
    key = f"{kind}:{name}" if name else kind
    now = {key: "ascending", f"-{key}": "descending"}.get(table.sort, "")
    wanted = now == "ascending" or (not now and descending)
    sort = f"-{key}" if wanted else key
    return Column(kind, name, label, f"?{urlencode({'sort': sort})}", now, numeric)
