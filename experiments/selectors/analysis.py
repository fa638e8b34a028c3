"""All runs of an experiment as columns, for charts over the whole of a sweep."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from django.db.models import OuterRef, QuerySet, Subquery

from experiments.models import Experiment, Run, RunMetric
from experiments.points import finite
from experiments.search.axes import Axes, axes_of
from experiments.search.spec import SearchSpec
from experiments.selectors.conditions import with_duration

MAX_RUNS = 10_000
# Values of parameters in one answer: fewer parameters where there are many runs.
MAX_VALUES = 200_000
MIN_PARAMETERS = 10


class TargetJson(TypedDict):
    """What decides which run is best, and when that is good enough."""

    metric: str
    direction: str
    target: float | None


class ColumnsJson(TypedDict):
    """One list per column, oldest run first."""

    objective: TargetJson
    runs: dict[str, list[Any]]
    axes: list[dict[str, Any]]
    params: dict[str, list[float | None]]
    constant: dict[str, Any]
    left_out: int
    parameters_left_out: list[str]


@dataclass(frozen=True)
class RunColumns:
    """One list per column, oldest run first. Times in Unix seconds; `objective` is the best value, if finite.

    `params` holds for each axis what `Axis.code` gives, None where a run does not have the parameter.
    """

    runs: dict[str, list[Any]]
    axes: Axes
    params: dict[str, list[float | None]]
    left_out: int
    parameters_left_out: list[str]
    experiment: Experiment

    def to_json(self) -> ColumnsJson:
        """As pages and the REST API have it."""
        return {
            "objective": {
                "metric": self.experiment.objective_metric,
                "direction": self.experiment.objective_direction,
                "target": self.experiment.target,
            },
            "runs": self.runs,
            "axes": [axis.to_json() for axis in self.axes.varied],
            "params": self.params,
            "constant": self.axes.constant,
            "left_out": self.left_out,
            "parameters_left_out": self.parameters_left_out,
        }


def run_columns(experiment: Experiment) -> RunColumns:
    """The newest runs, at most MAX_RUNS. Two queries."""
    rows = list(_rows(experiment))[::-1]
    spec = SearchSpec.from_json(experiment.search, experiment.declared)
    axes = axes_of(experiment.declared, spec.searched, [row["params"] for row in rows])
    kept = max(MIN_PARAMETERS, MAX_VALUES // max(len(rows), 1))
    shown, rest = axes.varied[:kept], axes.varied[kept:]
    return RunColumns(
        runs={
            "number": [row["number"] for row in rows],
            "set": [row["set_number"] for row in rows],
            "state": [row["state"] for row in rows],
            "started": [_seconds(row["started_at"]) for row in rows],
            "ended": [_seconds(row["ended_at"]) for row in rows],
            "seconds": [row["duration"] and round(row["duration"].total_seconds(), 1) for row in rows],
            "objective": [finite(row["objective"]) for row in rows],
        },
        axes=Axes(shown, axes.constant, axes.unordered),
        params={
            axis.name: [
                axis.code(row["params"][axis.name]) if axis.name in row["params"] else None for row in rows
            ]
            for axis in shown
        },
        left_out=experiment.runs.count() - len(rows) if len(rows) == MAX_RUNS else 0,
        parameters_left_out=[*(axis.name for axis in rest), *axes.unordered],
        experiment=experiment,
    )


def _rows(experiment: Experiment) -> "QuerySet[Run, Any]":
    metric = RunMetric.objects.filter(run=OuterRef("pk"), name=experiment.objective_metric)
    return (
        with_duration(experiment.runs.order_by("-number"))
        .annotate(objective=Subquery(metric.values(experiment.objective_field)))
        .values("number", "set_number", "state", "started_at", "ended_at", "params", "objective", "duration")[
            :MAX_RUNS
        ]
    )


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else round(at.timestamp(), 3)
