"""What the REST API tells about experiments, runs and models."""

import math
from typing import Any

from django.conf import settings

from experiments.models import Bundle, Experiment, ModelVersion, RunMetric
from experiments.selectors.runs import RunRow
from experiments.selectors.series import Series


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
        "objective": {"metric": experiment.objective_metric, "direction": experiment.objective_direction},
        "resources": {
            "workers": experiment.workers,
            "cpus_per_worker": experiment.cpus_per_worker,
            "gpus_per_worker": experiment.gpus_per_worker,
        },
        "max_parallel": experiment.max_parallel,
        "max_retries": experiment.max_retries,
        "created_at": experiment.created_at,
        "ended_at": experiment.ended_at,
        "url": settings.PORTAL_URL + experiment.get_absolute_url(),
    }


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


def run_json(row: RunRow) -> dict[str, Any]:
    """A run with its metric summaries."""
    run = row.run
    return {
        "id": str(run.id),
        "experiment": str(run.experiment_id),
        "number": run.number,
        "state": run.state,
        "params": run.params,
        "seed": run.seed,
        "progress": run.progress,
        "eta_seconds": row.eta_seconds,
        "seconds": row.seconds,
        "attempts": run.attempts_made,
        "waiting_reason": run.waiting_reason,
        "cause": {"code": run.cause_code, "message": run.cause_message, "traceback": run.cause_traceback}
        if run.cause_code
        else None,
        "metrics": {name: metric_json(metric) for name, metric in row.metrics.items()},
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "url": settings.PORTAL_URL + run.get_absolute_url(),
    }


def series_json(series: Series) -> dict[str, Any]:
    """Points of one metric of one run."""
    return {
        "run": str(series.run_id),
        "steps": series.steps,
        "values": [number(value) for value in series.values],
        "times": series.times,
    }


def model_version_json(version: ModelVersion) -> dict[str, Any]:
    """A model version and where it came from."""
    return {
        "name": version.name,
        "version": version.version,
        "uri": version.uri,
        "run": str(version.run_id),
        "experiment": str(version.run.experiment_id),
        "created_at": version.created_at,
        "url": settings.PORTAL_URL + version.get_absolute_url(),
    }
