"""Keep the summary row of each metric up to date."""

import math
from collections.abc import Mapping, Sequence

from experiments.models import Run, RunMetric

FIELDS = ("last", "last_step", "min", "min_step", "max", "max_step", "count")


def summarise(run: Run, points: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> None:
    """Fold new points {name: (steps, values)} into the summaries: two queries whatever the number of metrics.

    Call in the transaction that stores the points, with the run's ingest stream locked.
    """
    if not points:
        return
    rows = {row.name: row for row in RunMetric.objects.filter(run=run, name__in=list(points))}
    for name, (steps, values) in points.items():
        row = rows.setdefault(
            name, RunMetric(run=run, experiment_id=run.experiment_id, name=name, last_step=-1, count=0)
        )
        for step, value in zip(steps, values, strict=True):
            _fold(row, step, value)
    RunMetric.objects.bulk_create(
        rows.values(), update_conflicts=True, unique_fields=["run", "name"], update_fields=FIELDS
    )


def _fold(row: RunMetric, step: int, value: float) -> None:
    row.count += 1
    if step >= row.last_step:
        row.last, row.last_step = value, step
    if math.isnan(value):
        return
    if row.min is None or value < row.min:
        row.min, row.min_step = value, step
    if row.max is None or value > row.max:
        row.max, row.max_step = value, step
