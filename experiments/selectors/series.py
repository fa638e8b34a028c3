"""Points of metrics for charts and for MLflow."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import UUID

import numpy as np
from django.db.models import QuerySet
from django.http import QueryDict

from experiments.models import Experiment, Run, RunMetric
from experiments.points import Floats, Points, at_width, joined
from mlplatform.http.query import number_in
from mlplatform.kernel import columns
from mlplatform.kernel.errors import InvalidInput

MAX_WIDTH = 10_000
# Of all curves of one answer together.
MAX_PIXELS = 50_000

Axis = Literal["step", "time", "relative"]
AXES: tuple[Axis, ...] = get_args(Axis)
# What is wanted of each curve: `low` and `high` are steps or times, as `x` says.
WANTED = """
    FROM unnest(%(runs)s::uuid[], %(names)s::text[], %(levels)s::int[], %(low)s::float8[], %(high)s::float8[])
        AS wanted (run_id, name, level, low, high)
    JOIN experiments_metricbatch b USING (run_id, name)
    WHERE b.month = ANY(%(months)s) AND b.last_{x} >= low AND b.first_{x} <= high"""
SIZES = f"""
    SELECT run_id, name, b.level, sum(size)::bigint {WANTED} AND b.level > 0
    GROUP BY run_id, name, b.level ORDER BY b.level"""
# A level, and what is not compacted yet.
ROWS = f"""
    SELECT run_id, name, steps, "values", times {WANTED}
        AND (b.level = wanted.level OR b.level = 0 AND attempt > 0)
    ORDER BY run_id, name, attempt, seq"""


@dataclass(frozen=True)
class Series:
    """One metric of one run; `start` is the time from which relative times count, in Unix seconds."""

    run_id: UUID
    name: str
    points: Points
    start: float


@dataclass(frozen=True)
class View:
    """What of the curves a chart shows: so many pixels, along an axis, between two places of it."""

    width: int
    x: Axis = "step"
    low: float = -math.inf
    high: float = math.inf

    def place(self, series: Series) -> Floats:
        """Where its points are on the axis."""
        if self.x == "step":
            return series.points.steps.astype(np.float64)
        return series.points.times - (series.start if self.x == "relative" else 0.0)


def series(runs: Iterable[Run], names: Sequence[str], view: View | None = None) -> list[Series]:
    """Each of the metrics of each run that has it, in the order of the runs. At most two queries in all.

    Without a view all points by step. With one about 2 x `width` points by the axis: the extremes of each pixel, and
    both ends. They are chosen from the coarsest level that has so many in the range, and from what is in none yet.
    """
    wanted = _Wanted([(run, name) for run in runs for name in names], view)
    if view:
        wanted.choose_levels()
    parts: dict[tuple[UUID, str], list[Points]] = {}
    for run_id, name, *found in wanted.fetch(ROWS):
        parts.setdefault((run_id, name), []).append(Points(*found))
    curves = (
        Series(run.pk, name, joined(parts[run.pk, name]).in_order(), _start(run))
        for run, name in wanted.curves
        if (run.pk, name) in parts
    )
    return [thin for thin in (_thin(curve, view) for curve in curves) if len(thin.points)]


def view_in(query: QueryDict, *, width: int, curves: int = 1) -> View:
    """What `?width=&x=&from=&to=` ask for. Many curves share MAX_PIXELS. Raises InvalidInput."""
    wanted = number_in(query, "width", width, 1, MAX_WIDTH)
    axes = {str(axis): axis for axis in AXES}
    x = query.get("x", "step")
    if x not in axes:
        raise InvalidInput(f"x is {x[:40]!r}; write {', '.join(AXES)}.", field="x")
    pixels = max(1, min(wanted, MAX_PIXELS // max(1, curves)))
    return View(pixels, axes[x], _place(query, "from", -math.inf), _place(query, "to", math.inf))


def _place(query: QueryDict, key: str, default: float) -> float:
    try:
        place = float(query.get(key, default))
    except ValueError:
        place = math.nan
    if math.isnan(place):
        raise InvalidInput(f"{key} is {query[key][:40]!r}; write a number.", field=key)
    return place


def metric_names(run: Run) -> list[str]:
    """Names of the metrics that a run reported."""
    return list(run.metrics.order_by("name").values_list("name", flat=True))


def summaries_of(
    experiment: Experiment, names: Sequence[str], numbers: Sequence[int] = ()
) -> "QuerySet[RunMetric]":
    """What runs of an experiment have of the metrics, those of the newest first: of all, or of those numbers."""
    found = RunMetric.objects.filter(experiment=experiment, name__in=names)
    found = found.filter(run_number__in=numbers) if numbers else found
    return found.select_related("run").order_by("-run_number", "name")


class _Wanted:
    """The curves of one call, as parameters of its queries."""

    def __init__(self, curves: list[tuple[Run, str]], view: View | None) -> None:
        self.curves = curves
        self._view = view or View(0)
        self._levels = [0] * len(curves)

    def choose_levels(self) -> None:
        """The coarsest one for each that still has two points per pixel."""
        enough = {
            (run_id, name): level
            for run_id, name, level, size in self.fetch(SIZES)
            if size >= 2 * self._view.width
        }
        self._levels = [enough.get((run.pk, name), 0) for run, name in self.curves]

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        view = self._view
        parameters: Mapping[str, Any] = {
            "runs": [run.pk for run, _ in self.curves],
            "names": [name for _, name in self.curves],
            "levels": self._levels,
            "low": [self._absolute(run, view.low) for run, _ in self.curves],
            "high": [self._absolute(run, view.high) for run, _ in self.curves],
            "months": sorted({run.month for run, _ in self.curves}),
        }
        return columns.fetch(query.format(x="step" if view.x == "step" else "time"), parameters)

    def _absolute(self, run: Run, place: float) -> float:
        return place + (_start(run) if self._view.x == "relative" else 0.0)


def _start(run: Run) -> float:
    """A run that has points without having started was not executed by us; any fixed time does."""
    return (run.started_at or run.created_at).timestamp()


def _thin(series: Series, view: View | None) -> Series:
    if view is None:
        return series
    x = view.place(series)
    order = np.argsort(x, kind="stable")
    x = x[order]
    inside = slice(*np.searchsorted(x, [view.low, np.nextafter(view.high, math.inf)]))
    points = at_width(series.points.pick(order[inside]), x[inside], view.width)
    return Series(series.run_id, series.name, points, series.start)
