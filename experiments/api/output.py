"""What the REST API tells about experiments, runs and models."""

import math
from typing import Any

from django.conf import settings

from experiments.definition import HOUR
from experiments.models import (
    Attempt,
    Bundle,
    Checkpoint,
    Deletion,
    Experiment,
    ModelVersion,
    Run,
    RunMetric,
    RunView,
)
from experiments.selectors.bundles import bundle_warnings
from experiments.selectors.groups import SetRow
from experiments.selectors.runs import RunRow
from experiments.selectors.series import Series
from experiments.selectors.tracking import tracking_state
from experiments.services.preview import Preview


def number(value: float | None) -> float | str | None:
    """JSON has no NaN and no infinity: they are told as text."""
    return value if value is None or math.isfinite(value) else str(value)


def bundle_json(bundle: Bundle) -> dict[str, Any]:
    """A code bundle with what it declares."""
    return {
        "id": str(bundle.id),
        "name": bundle.name,
        "sha256": bundle.sha256,
        "size": bundle.size,
        "files": bundle.files,
        "source": bundle.source,
        "requirements": bundle.requirements,
        "warnings": bundle_warnings(bundle),
        "manifest": bundle.manifest,
    }


def experiment_json(experiment: Experiment) -> dict[str, Any]:
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


def run_counts_json(experiment: Experiment) -> dict[str, int]:
    """How many runs it has, as `experiment_list` has counted them."""
    names = {
        "total": "run_count",
        "open": "open_count",
        "completed": "completed_count",
        "failed": "failed_count",
    }
    return {name: getattr(experiment, annotation) for name, annotation in names.items()}


def metric_json(metric: RunMetric) -> dict[str, Any]:
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


def tracking_json(run: Run) -> dict[str, Any] | None:
    """Where the run is on its way to MLflow, null before it has ended."""
    found = tracking_state(run)
    if found is None:
        return None
    return {"state": found.state, "error": found.error, "next_try_at": found.next_try_at}


def run_json(row: RunRow) -> dict[str, Any]:
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


def set_json(row: SetRow) -> dict[str, Any]:
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


def attempt_json(attempt: Attempt, packages: list[str]) -> dict[str, Any]:
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


def checkpoint_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint of a run."""
    return {
        "id": checkpoint.pk,
        "attempt": checkpoint.attempt,
        "step": checkpoint.step,
        "path": checkpoint.path,
        "metrics": checkpoint.metrics,
        "created_at": checkpoint.created_at,
    }


def preview_json(preview: Preview) -> dict[str, Any]:
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
    }


def view_json(view: RunView) -> dict[str, Any]:
    """A saved view."""
    return {
        "id": str(view.id),
        "name": view.name,
        "is_shared": view.owner_id is None,
        "is_default": view.is_default,
        "where": view.where,
        "sort": view.sort,
        "columns": view.columns,
        "differing": view.differing,
        "group": view.group,
        "pinned": view.pinned,
        "pinned_of": view.pinned_of,
    }


def series_json(series: Series) -> dict[str, Any]:
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


def model_version_json(version: ModelVersion) -> dict[str, Any]:
    """A model version and where it came from."""
    return {
        "name": version.name,
        "version": version.version,
        "uri": version.uri,
        "step": version.step,
        "objective": version.objective,
        "run": str(version.run_id),
        "experiment": str(version.run.experiment_id),
        "created_at": version.created_at,
        "url": settings.PORTAL_URL + version.get_absolute_url(),
    }


def deletion_json(deletion: Deletion) -> dict[str, Any]:
    """What was deleted. It frees more until it has ended."""
    return {
        "id": deletion.id,
        "what": deletion.what,
        "runs": deletion.runs,
        "freed_bytes": deletion.freed_bytes,
        "created_at": deletion.created_at,
        "ended_at": deletion.ended_at,
    }
