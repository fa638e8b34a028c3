"""What pages hear of a run's points. Call in the transaction that writes them."""

from collections.abc import Mapping
from typing import Any

from experiments.models import Run
from experiments.points import Points
from mlplatform.http.live import group_name, publish
from mlplatform.http.rooms import MAX_POINTS


def points_came(run: Run, attempt: int, points: Mapping[str, Points], counts: Mapping[str, int]) -> None:
    """New points by metric; `counts` says how many the run has of each with them."""
    if sum(map(len, points.values())) > MAX_POINTS:
        series_changed(run)
        return
    parts = [_part(name, attempt, counts[name], found) for name, found in points.items()]
    publish(_groups(run), {"what": "points", "run": str(run.id), "number": run.number, "points": parts})


def series_changed(run: Run) -> None:
    """There are other metrics than before, or other points than those that came."""
    publish(_groups(run), {"what": "series", "run": str(run.id)})


def _groups(run: Run) -> list[str]:
    return [group_name("run", run.id), group_name("experiment", run.experiment_id)]


def _part(name: str, attempt: int, count: int, points: Points) -> dict[str, Any]:
    return {"name": name, "attempt": attempt, "count": count, **points.drawn()}
