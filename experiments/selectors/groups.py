"""Runs of one parameter set taken together: what repeats with other seeds say about it."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from experiments.models import Run
from experiments.search.space import ParamSet
from experiments.selectors.runs import RunRow, RunTable
from experiments.states import RunState
from mlplatform.kernel.errors import InvalidInput


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation; `std` is None for fewer than two values."""

    mean: float
    std: float | None
    count: int


@dataclass(frozen=True)
class SetRow:
    """One parameter set. `states` counts its runs by state; `seconds` is their run time together."""

    number: int
    params: ParamSet
    runs: list[Run]
    states: list[tuple[str, int]]
    metrics: dict[str, Spread]
    seconds: float | None


def set_rows(table: RunTable, sort: str = "number") -> list[SetRow]:
    """The runs of the table by set, in the order of `sort`. No query. Raises InvalidInput for an unknown sort.

    A completed run counts for a metric with its last value, for the objective with its best, if that is finite. What
    has not come to its end would say how far it got, not how good the set is.
    """
    by_set: dict[int, list[RunRow]] = defaultdict(list)
    for row in sorted(table.rows, key=lambda row: row.run.number):
        by_set[row.run.set_number].append(row)
    rows = [_row(number, by_set[number]) for number in sorted(by_set)]
    key = _key(table, sort)
    known = [row for row in rows if key(row) is not None]
    # What has no value comes last either way.
    unknown = [row for row in rows if key(row) is None]
    return [*sorted(known, key=lambda row: _comparable(key(row)), reverse=sort.startswith("-")), *unknown]


def _row(number: int, rows: Sequence[RunRow]) -> SetRow:
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.run.state != RunState.COMPLETED:
            continue
        for name, metric in row.metrics.items():
            is_objective = name == row.run.experiment.objective_metric
            value = row.objective if is_objective else metric.last
            if value is not None and math.isfinite(value):
                values[name].append(value)
    seconds = [row.seconds for row in rows if row.seconds is not None]
    states = Counter(row.run.state for row in rows)
    return SetRow(
        number=number,
        params=rows[0].run.params,
        runs=[row.run for row in rows],
        states=[(state, states[state]) for state in RunState.values if states[state]],
        metrics={name: _spread(found) for name, found in values.items()},
        seconds=sum(seconds) if seconds else None,
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


def _key(table: RunTable, sort: str) -> Callable[[SetRow], Any]:
    kind, _, name = sort.removeprefix("-").partition(":")
    match kind:
        case "number" if not name:
            return lambda row: row.number
        case "seconds" if not name:
            return lambda row: row.seconds
        case "param" if name in table.param_names:
            return lambda row: row.params.get(name)
        case "metric" if name:
            return lambda row: row.metrics[name].mean if name in row.metrics else None
    raise InvalidInput(
        f"Cannot sort sets by {sort!r}; use number, seconds, param:<name> or metric:<name>, with - for descending.",
        field="sort",
    )


def _comparable(value: Any) -> tuple[int, Any]:
    """A parameter may have values of several types: text, then numbers, then yes and no, as PostgreSQL orders JSON."""
    order = 0 if isinstance(value, str) else 2 if isinstance(value, bool) else 1
    return order, value
