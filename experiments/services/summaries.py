"""Keep the summary row of each metric up to date."""

from collections.abc import Iterable, Mapping

import numpy as np

from experiments.models import Run, RunMetric
from experiments.points import Points
from experiments.selectors.points import outlines, sizes

FIELDS = ("last", "last_step", "min", "min_step", "max", "max_step", "count")

Rows = dict[str, RunMetric]


def summaries(run: Run, names: Iterable[str]) -> Rows:
    """The rows of these metrics by name, as far as there are any."""
    return {row.name: row for row in RunMetric.objects.filter(run=run, name__in=list(names))}


def summarise(run: Run, rows: Rows, points: Mapping[str, Points]) -> None:
    """Fold new points by name, steps rising, into the summaries `rows`. One query whatever the number of metrics.

    Call in the transaction that stores the points, under the run's lock.
    """
    for name, new in points.items():
        _fold(rows.setdefault(name, RunMetric.begun(run, name)), new)
    _write(rows[name] for name in points)


def summarise_anew(run: Run, names: Iterable[str]) -> None:
    """Make the summaries of metrics from what is stored. Reads few points, however many there are."""
    names = list(names)
    RunMetric.objects.filter(run=run, name__in=names).delete()
    counts = sizes(run, names)
    rows = []
    for name, points in outlines(run, names).items():
        row = RunMetric.begun(run, name)
        _fold(row, points)
        row.count = counts[name]
        rows.append(row)
    _write(rows)


def _fold(row: RunMetric, points: Points) -> None:
    """Of equal extremes the one with the smallest step counts, in whatever order they come."""
    row.count += len(points)
    if points.steps[-1] >= row.last_step:
        row.last, row.last_step = float(points.values[-1]), int(points.steps[-1])
    known = np.flatnonzero(~np.isnan(points.values))
    if not len(known):
        return
    low, high = known[points.values[known].argmin()], known[points.values[known].argmax()]
    value, step = float(points.values[low]), int(points.steps[low])
    if row.min is None or row.min_step is None or (value, step) < (row.min, row.min_step):
        row.min, row.min_step = value, step
    value, step = float(points.values[high]), int(points.steps[high])
    if row.max is None or row.max_step is None or (-value, step) < (-row.max, row.max_step):
        row.max, row.max_step = value, step


def _write(rows: Iterable[RunMetric]) -> None:
    RunMetric.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["run", "name"], update_fields=FIELDS
    )
