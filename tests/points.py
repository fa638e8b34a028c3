"""Points for tests."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.models import Run, RunMetric
from experiments.points import Points
from experiments.services.points import points_store
from experiments.services.summaries import summaries, summarise


def columns(steps: Sequence[int], values: Sequence[float], times: Sequence[float] | None = None) -> Points:
    when = [1_700_000_000.0 + step for step in steps] if times is None else times
    return Points(np.array(steps, np.int64), np.array(values, float), np.array(when, float))


def report(
    run: Run,
    steps: Sequence[int],
    values: Sequence[float],
    *,
    name: str = "accuracy",
    attempt: int = 1,
    seq: int = 1,
    summary: bool = True,
    times: Sequence[float] | None = None,
) -> None:
    """Store what one batch would bring."""
    points = {name: columns(steps, values, times)}
    points_store(run, attempt=attempt, seq=seq, points=points)
    if summary:
        summarise(run, summaries(run, points), points)


def summary(run: Run, name: str = "accuracy", /, **values: Any) -> None:
    """What a run would say of a metric, without points."""
    row = RunMetric.begun(run, name)
    for field, value in ({"last": 0.0, "last_step": 1, "count": 1} | values).items():
        setattr(row, field, value)
    row.save()


def rows(points: Points) -> list[tuple[int, float, float]]:
    return list(zip(points.steps.tolist(), points.values.tolist(), points.times.tolist(), strict=True))
