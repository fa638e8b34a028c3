"""Points of a metric for charts and for MLflow."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

import numpy as np
import numpy.typing as npt

from experiments.models import MetricBatch, Run


@dataclass(frozen=True)
class Series:
    """One metric of one run by step; times are Unix seconds."""

    run_id: UUID
    steps: list[int]
    values: list[float]
    times: list[float]


def series(run_ids: Iterable[UUID], name: str, *, points: int | None = 500) -> list[Series]:
    """The metric of each run that has it, in at most about 2 × `points` points with minima and maxima kept.

    `points` None gives every point. One query.
    """
    found: dict[UUID, Series] = {}
    batches = MetricBatch.objects.filter(run_id__in=list(run_ids), name=name).order_by(
        "run_id", "attempt", "seq"
    )
    for run_id, steps, values, times in batches.values_list("run_id", "steps", "values", "times"):
        whole = found.setdefault(run_id, Series(run_id, [], [], []))
        whole.steps.extend(steps)
        whole.values.extend(values)
        whole.times.extend(times)
    return [_thin(whole, points) for whole in found.values()]


def metric_names(run: Run) -> list[str]:
    """Names of the metrics that a run reported."""
    return list(run.metrics.order_by("name").values_list("name", flat=True))


def _thin(whole: Series, points: int | None) -> Series:
    order = np.argsort(np.asarray(whole.steps, dtype=np.int64), kind="stable")
    keep = order if points is None else order[_extremes(np.asarray(whole.values)[order], points)]
    columns = (whole.steps, whole.values, whole.times)
    return Series(whole.run_id, *([column[i] for i in keep] for column in columns))


def _extremes(values: npt.NDArray[np.float64], points: int) -> npt.NDArray[np.intp]:
    """Indexes of the minimum and maximum of each of `points` equal slices, and of both ends."""
    if len(values) <= 2 * points:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), points + 1).astype(int)
    finite_low, finite_high = np.nan_to_num(values, nan=np.inf), np.nan_to_num(values, nan=-np.inf)
    picks = {0, len(values) - 1}
    for start, end in pairwise(edges):
        picks.add(int(start + finite_low[start:end].argmin()))
        picks.add(int(start + finite_high[start:end].argmax()))
    return np.asarray(sorted(picks))
