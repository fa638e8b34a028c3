"""Runs of one parameter set taken together: what repeats with other seeds say about it."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from experiments.models import Run
from experiments.search.space import ParamSet
from experiments.selectors.matching import Matches
from experiments.selectors.orders import set_phases
from experiments.selectors.runs import RunRow
from experiments.selectors.tables import TableReader, rows_of
from experiments.states import RunState


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

    @property
    def size(self) -> int:
        """How many runs it has."""
        return len(self.runs)


def set_row(number: int, rows: Sequence[RunRow]) -> SetRow:
    """What the runs of one set have in common.

    A completed run counts for a metric with its last value, for the objective with its best, if that is finite. What
    has not come to its end would say how far it got, not how good the set is.
    """
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


def _set_rows(found: Matches, numbers: Sequence[int], metrics: Sequence[str] | None) -> list[SetRow]:
    """Each of those of its runs that match."""
    by_set: dict[int, list[RunRow]] = {number: [] for number in numbers}
    members = found.runs.filter(set_number__in=numbers).order_by("number").values_list("pk", flat=True)
    for row in rows_of(list(members), metrics):
        by_set[row.run.set_number].append(row)
    return [set_row(number, rows) for number, rows in by_set.items() if rows]


def _set_count(found: Matches) -> int:
    """Sets of which any run matches."""
    if found.count is None:
        return Run.objects.filter(found.scope.q(), repeat=1).count()
    return found.runs.values("set_number").distinct().count()


# Of one experiment.
set_table = TableReader(set_phases, _set_rows, _set_count)


def _spread(values: Sequence[float]) -> Spread:
    return Spread(fmean(values), stdev(values) if len(values) > 1 else None, len(values))
