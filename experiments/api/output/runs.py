"""What the REST API tells about runs."""

from datetime import datetime
from typing import Any, TypedDict

from django.conf import settings

from experiments.api.output.numbers import Number, number
from experiments.api.output.waits import WaitJson, wait_json
from experiments.models import Attempt, Checkpoint, Run, RunMetric
from experiments.selectors.groups import SetRow
from experiments.selectors.runs import RunRow
from experiments.selectors.series import Series
from experiments.selectors.tracking import tracking_state
from experiments.selectors.waits import Wait


class MetricJson(TypedDict):
    """Summary of one metric of a run."""

    last: Number
    last_step: int
    min: Number
    min_step: int | None
    max: Number
    max_step: int | None
    count: int


class TrackingJson(TypedDict):
    """Where a run is on its way to MLflow."""

    state: str
    error: str
    next_try_at: datetime | None


class CauseJson(TypedDict):
    """Why a run failed."""

    code: str
    message: str
    traceback: str


class RunJson(TypedDict):
    """A run with its metric summaries."""

    id: str
    experiment: str
    number: int
    set: int
    repeat: int
    searched: bool
    parent: str | None
    state: str
    params: dict[str, Any]
    tags: dict[str, str]
    seed: int
    progress: float | None
    eta_seconds: float | None
    seconds: float | None
    objective: Number
    attempts: int
    waiting_reason: str
    cause: CauseJson | None
    tracking: TrackingJson | None
    metrics: dict[str, MetricJson]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    url: str


class WaitingRunJson(RunJson):
    """A run, and when it probably starts."""

    wait: WaitJson | None


class SpreadJson(TypedDict):
    """A metric over the completed repeats of a set."""

    mean: float | None
    std: float | None
    count: int


class SetJson(TypedDict):
    """A parameter set with what its completed repeats say."""

    set: int
    params: dict[str, Any]
    runs: list[int]
    states: dict[str, int]
    seconds: float | None
    metrics: dict[str, SpreadJson]


class AttemptJson(TypedDict):
    """An attempt at a run, with what it ran on."""

    number: int
    resumed_from: int | None
    outcome: str
    cause: str | None
    started_at: datetime
    ended_at: datetime | None
    environment: dict[str, Any]


class CheckpointJson(TypedDict):
    """A checkpoint of a run."""

    id: int
    attempt: int
    step: int
    path: str
    metrics: dict[str, Any]
    created_at: datetime


class CurveJson(TypedDict):
    """Points of one metric of one run."""

    run: str
    name: str
    start: float | None
    steps: list[int]
    values: list[Number]
    times: list[float]


def metric_json(metric: RunMetric) -> MetricJson:
    """Summary of one metric."""
    return {
        "last": number(metric.last),
        "last_step": metric.last_step,
        "min": number(metric.min),
        "min_step": metric.min_step,
        "max": number(metric.max),
        "max_step": metric.max_step,
        "count": metric.count,
    }


def tracking_json(run: Run) -> TrackingJson | None:
    """Where the run is on its way to MLflow, null before it has ended."""
    found = tracking_state(run)
    if found is None:
        return None
    return {"state": found.state, "error": found.error, "next_try_at": found.next_try_at}


def run_json(row: RunRow) -> RunJson:
    """A run with its metric summaries."""
    run = row.run
    return {
        "id": str(run.id),
        "experiment": str(run.experiment_id),
        "number": run.number,
        "set": run.set_number,
        "repeat": run.repeat,
        "searched": run.searched,
        "parent": str(run.parent_id) if run.parent_id else None,
        "state": run.state,
        "params": run.params,
        "tags": run.tags,
        "seed": run.seed,
        "progress": run.progress,
        "eta_seconds": row.eta_seconds,
        "seconds": row.seconds,
        "objective": number(row.objective),
        "attempts": run.attempts_made,
        "waiting_reason": run.waiting_reason,
        "cause": {"code": run.cause_code, "message": run.cause_message, "traceback": run.cause_traceback}
        if run.cause_code
        else None,
        "tracking": tracking_json(run),
        "metrics": {name: metric_json(metric) for name, metric in row.metrics.items()},
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "url": settings.PORTAL_URL + run.get_absolute_url(),
    }


def waiting_run_json(row: RunRow, wait: Wait | None) -> WaitingRunJson:
    """The run and what it waits for."""
    return {**run_json(row), "wait": wait_json(wait)}


def set_json(row: SetRow) -> SetJson:
    """A parameter set with what its completed repeats say."""
    return {
        "set": row.number,
        "params": row.params,
        "runs": [run.number for run in row.runs],
        "states": dict(row.states),
        "seconds": row.seconds,
        "metrics": {
            name: {"mean": spread.mean, "std": spread.std, "count": spread.count}
            for name, spread in row.metrics.items()
        },
    }


def attempt_json(attempt: Attempt, packages: list[str]) -> AttemptJson:
    """An attempt at a run, with what it ran on."""
    return {
        "number": attempt.number,
        "resumed_from": attempt.resumed_from,
        "outcome": attempt.outcome,
        "cause": attempt.cause_code or None,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "environment": {**attempt.environment, "packages": packages},
    }


def checkpoint_json(checkpoint: Checkpoint) -> CheckpointJson:
    """A checkpoint of a run."""
    return {
        "id": checkpoint.pk,
        "attempt": checkpoint.attempt,
        "step": checkpoint.step,
        "path": checkpoint.path,
        "metrics": checkpoint.metrics,
        "created_at": checkpoint.created_at,
    }


def series_json(series: Series) -> CurveJson:
    """Points of one metric of one run."""
    points = series.points
    return {
        "run": str(series.run_id),
        "name": series.name,
        "start": series.start,
        "steps": points.steps.tolist(),
        "values": [number(value) for value in points.values.tolist()],
        "times": points.times.tolist(),
    }
