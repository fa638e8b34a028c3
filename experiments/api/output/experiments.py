"""What the REST API tells about experiments."""

from datetime import datetime
from typing import Any, TypedDict

from django.conf import settings

from experiments.api.output.quotas import BoundJson, bound_json
from experiments.api.output.waits import WaitJson, wait_json
from experiments.definition import HOUR
from experiments.models import Experiment
from experiments.selectors.waits import Wait
from experiments.services.preview import Preview


class ObjectiveJson(TypedDict):
    """What decides which run is best."""

    metric: str
    direction: str


class ResourcesJson(TypedDict):
    """Of each run; memory in GiB."""

    workers: int
    cpus_per_worker: float
    gpus_per_worker: float
    memory_per_worker: float


class BudgetJson(TypedDict):
    """When to stop; null is no limit."""

    max_hours: float | None
    target: float | None


class CheckpointPolicyJson(TypedDict):
    """Which checkpoints of a run stay."""

    keep_last: int
    keep_best: int
    keep_every: int


class ExperimentJson(TypedDict):
    """An experiment without its runs."""

    id: str
    project: str
    slug: str
    name: str
    description: str
    state: str
    bundle: str
    entrypoint: str
    parameters: list[dict[str, Any]]
    search: dict[str, Any] | None
    objective: ObjectiveJson
    resources: ResourcesJson
    max_parallel: int
    max_retries: int
    fresh_process: bool
    priority: str
    budget: BudgetJson
    checkpoints: CheckpointPolicyJson
    cloned_from: str | None
    created_at: datetime
    ended_at: datetime | None
    url: str


class RunCountsJson(TypedDict):
    """How many runs an experiment has."""

    total: int
    open: int
    completed: int
    failed: int


class WaitingExperimentJson(ExperimentJson):
    """An experiment, and when its next run probably starts."""

    queue: WaitJson | None


class CountedExperimentJson(WaitingExperimentJson):
    """The same and how many runs it has."""

    runs: RunCountsJson


class RungJson(TypedDict):
    """How many runs a pruner lets past a step."""

    step: int
    runs: int


class PreviewJson(TypedDict):
    """What an experiment would do; times are null without a history."""

    sets: int | None
    runs: int | None
    first: list[dict[str, Any]]
    rungs: list[RungJson]
    seconds_per_run: float | None
    seconds: float | None
    together: int
    now: int
    waits: str
    warnings: list[str]
    quotas: list[BoundJson]


def experiment_json(experiment: Experiment) -> ExperimentJson:
    """An experiment without its runs."""
    return {
        "id": str(experiment.id),
        "project": experiment.project.slug,
        "slug": experiment.slug,
        "name": experiment.name,
        "description": experiment.description,
        "state": experiment.state,
        "bundle": str(experiment.bundle_id),
        "entrypoint": experiment.entrypoint,
        "parameters": experiment.parameters,
        "search": experiment.search or None,
        "objective": {"metric": experiment.objective_metric, "direction": experiment.objective_direction},
        "resources": {
            "workers": experiment.workers,
            "cpus_per_worker": experiment.cpus_per_worker,
            "gpus_per_worker": experiment.gpus_per_worker,
            "memory_per_worker": experiment.memory_per_worker,
        },
        "max_parallel": experiment.max_parallel,
        "max_retries": experiment.max_retries,
        "fresh_process": experiment.fresh_process,
        "priority": experiment.priority,
        "budget": {
            "max_hours": experiment.max_seconds / HOUR if experiment.max_seconds else None,
            "target": experiment.target,
        },
        "checkpoints": {
            "keep_last": experiment.keep_last,
            "keep_best": experiment.keep_best,
            "keep_every": experiment.keep_every,
        },
        "cloned_from": str(experiment.cloned_from_id) if experiment.cloned_from_id else None,
        "created_at": experiment.created_at,
        "ended_at": experiment.ended_at,
        "url": settings.PORTAL_URL + experiment.get_absolute_url(),
    }


def run_counts_json(experiment: Any) -> RunCountsJson:
    """As `experiment_list` has counted them."""
    return {
        "total": experiment.run_count,
        "open": experiment.open_count,
        "completed": experiment.completed_count,
        "failed": experiment.failed_count,
    }


def waiting_experiment_json(experiment: Experiment, wait: Wait | None) -> WaitingExperimentJson:
    """The experiment and what it waits for."""
    return {**experiment_json(experiment), "queue": wait_json(wait)}


def counted_experiment_json(experiment: Experiment, wait: Wait | None) -> CountedExperimentJson:
    """One of `experiment_list`."""
    return {**waiting_experiment_json(experiment, wait), "runs": run_counts_json(experiment)}


def preview_json(preview: Preview) -> PreviewJson:
    """What an experiment would do; times are null without a history."""
    return {
        "sets": preview.sets,
        "runs": preview.runs,
        "first": preview.first,
        "rungs": [{"step": rung.step, "runs": rung.runs} for rung in preview.rungs],
        "seconds_per_run": preview.seconds_per_run,
        "seconds": preview.seconds,
        "together": preview.outlook.together,
        "now": preview.outlook.now,
        "waits": preview.outlook.reason,
        "warnings": preview.warnings,
        "quotas": [bound_json(bound) for bound in preview.quotas],
    }
