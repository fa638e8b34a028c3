"""What is to be told to MLflow, and in which words."""

import math
import platform
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, F, Max, Min, OrderBy, Q, QuerySet

from experiments.models import Checkpoint, Experiment, Run, RunMetric, TrackingSync
from experiments.models.experiment import Direction
from experiments.points import finite
from experiments.selectors.series import metric_names, series
from experiments.states import RUN_TERMINAL, ExperimentState, RunState
from experiments.tracking.port import MetricSeries, Point, RunRecord, RunStatus

# A pruned run is one that was stopped early on purpose, which trackers call killed.
STATUS = {
    RunState.COMPLETED: RunStatus.FINISHED,
    RunState.FAILED: RunStatus.FAILED,
    RunState.CANCELED: RunStatus.KILLED,
    RunState.PRUNED: RunStatus.KILLED,
}


@dataclass(frozen=True)
class TrackingState:
    """Where a finished run is on its way to MLflow: waiting, failing or recorded.

    One that is recorded may have an error too: its model was not usable, or is not registered yet.
    """

    state: str
    error: str
    next_try_at: datetime | None


@dataclass(frozen=True)
class TrackingTrouble:
    """Runs of an experiment that MLflow has not got, and why."""

    count: int
    error: str
    next_try_at: datetime | None


def tracking_state(run: Run) -> TrackingState | None:
    """None if there is nothing to tell MLflow yet. Reads run.tracking_sync, so select it along."""
    if run.state not in RUN_TERMINAL:
        return None
    sync: TrackingSync | None = getattr(run, "tracking_sync", None)
    if sync is None:
        return None
    if sync.synced_at:
        return TrackingState("recorded", sync.last_error, None)
    return TrackingState("failing" if sync.last_error else "waiting", sync.last_error, sync.next_try_at)


def tracking_trouble(experiment: Experiment) -> TrackingTrouble | None:
    """What keeps runs from MLflow, None if nothing does. In an outage only one of them is tried at a time."""
    waiting = TrackingSync.objects.filter(
        run__experiment=experiment, run__state__in=RUN_TERMINAL, synced_at__isnull=True
    )
    has_failed = ~Q(last_error="")
    found = waiting.aggregate(
        count=Count("pk"), error=Max("last_error"), next_try_at=Min("next_try_at", filter=has_failed)
    )
    return TrackingTrouble(**found) if found["error"] else None


def syncs_due(now: datetime) -> "QuerySet[TrackingSync]":
    """Outbox rows to work on now, longest waiting first."""
    return (
        TrackingSync.objects.filter(
            synced_at__isnull=True,
            next_try_at__lte=now,
            run__state__in=RUN_TERMINAL,
            # What is being deleted is not told to anybody any more.
            run__experiment__project__deleting_at=None,
            run__experiment__deleted_at=None,
        )
        .select_related("run__experiment__project", "run__experiment__bundle", "run__experiment__created_by")
        .order_by("next_try_at")
    )


def registrations_due(now: datetime) -> "QuerySet[Experiment]":
    """Completed experiments whose best model is still to be registered, longest waiting first."""
    return (
        Experiment.objects.filter(
            state=ExperimentState.COMPLETED, registration_due_at__lte=now, project__deleting_at=None
        )
        .select_related("project")
        .order_by("registration_due_at")
    )


def best_model(experiment: Experiment) -> TrackingSync | None:
    """The recorded model of a completed run with the best objective at its own checkpoint; those without one come last.

    None without models, or without an objective.
    """
    if not experiment.objective_metric:
        return None
    recorded = TrackingSync.objects.filter(
        run__experiment=experiment, run__state=RunState.COMPLETED, synced_at__isnull=False
    ).exclude(model_uri="")
    descending = experiment.objective_field == "max"
    order = OrderBy(F("model_objective"), descending=descending, nulls_last=True)
    return recorded.select_related("run__experiment__project").order_by(order, "run__number").first()


def better_is_to_come(experiment: Experiment, best: TrackingSync | None) -> bool:
    """Whether a completed run that the tracker has not got yet may have a better model than this one.

    No model is better than the best value of its run. So one that the tracker refuses holds up no better ones.
    """
    field = experiment.objective_field
    untold = RunMetric.objects.filter(
        experiment=experiment,
        name=experiment.objective_metric,
        run__state=RunState.COMPLETED,
        run__in=TrackingSync.objects.filter(synced_at__isnull=True).values("run"),
    ).exclude(**{field: None})
    if best and best.model_objective is not None:
        better = "gt" if field == "max" else "lt"
        untold = untold.filter(**{f"{field}__{better}": best.model_objective})
    return untold.exists()


def run_record(run: Run) -> RunRecord:
    """The run in the tracker's words. Points are read while the record is sent."""
    experiment = run.experiment
    assert run.ended_at is not None
    return RunRecord(
        run_id=str(run.id),
        name=str(run),
        url=run_url(run),
        user=experiment.created_by.get_username(),
        experiment_id=str(experiment.id),
        experiment_name=f"{experiment.project.slug}/{experiment.slug}",
        attempt=run.attempts_made,
        status=STATUS[RunState(run.state)],
        started_at=run.started_at or run.created_at,
        ended_at=run.ended_at,
        params=run.params,
        tags=_tags(run),
        metrics=[MetricSeries(name, _points(run, name)) for name in metric_names(run)],
    )


def run_url(run: Run) -> str:
    """Page of the run, as a browser reaches it."""
    return f"{settings.PORTAL_URL}{run.get_absolute_url()}"


def python_version(run: Run) -> str:
    """Python that trained the run, as far as it was reported."""
    return str(_environment(run).get("python") or platform.python_version())


def checkpoints_by_merit(run: Run) -> list[Checkpoint]:
    """Checkpoints of a run: by the objective's value if they say it, best first, then the latest first."""
    experiment = run.experiment
    sign = -1 if experiment.objective_direction == Direction.MAXIMIZE else 1

    def merit(checkpoint: Checkpoint) -> tuple[float, int, int]:
        value = checkpoint.value_of(experiment.objective_metric)
        return (math.inf if value is None else sign * value, -checkpoint.step, -checkpoint.attempt)

    return sorted(run.checkpoints.all(), key=merit)


def points_at(run: Run, step: int) -> dict[str, Point]:
    """The points of each metric at a step; of several the one that came last."""
    found: dict[str, Point] = {}
    for batch in run.batches.filter(level=0, first_step__lte=step, last_step__gte=step):
        after = bisect_right(batch.steps, step)
        if after and batch.steps[after - 1] == step:
            found[batch.name] = Point(step, batch.values[after - 1], batch.times[after - 1])
    return found


def objective_with(run: Run, checkpoint: Checkpoint, points: Mapping[str, Point]) -> float | None:
    """The finite objective at a checkpoint: reported with it, else among the `points` at its step."""
    metric = run.experiment.objective_metric
    value = checkpoint.value_of(metric)
    if value is None and metric in points:
        value = points[metric].value
    return finite(value)


def _points(run: Run, name: str) -> Iterator[Point]:
    for found in series([run], [name]):
        points = found.points
        yield from map(Point, points.steps.tolist(), points.values.tolist(), points.times.tolist())


def _tags(run: Run) -> dict[str, str]:
    experiment = run.experiment
    environment = {f"mlplatform.env.{name}": str(value) for name, value in _environment(run).items()}
    return environment | {
        "mlplatform.project": experiment.project.slug,
        "mlplatform.experiment": experiment.slug,
        "mlplatform.run_number": str(run.number),
        "mlplatform.user": experiment.created_by.get_username(),
        "mlplatform.state": run.state,
        "mlplatform.cause": run.cause_code,
        "mlplatform.seed": str(run.seed),
        "mlplatform.code_sha256": experiment.bundle.sha256,
        "mlplatform.entrypoint": experiment.entrypoint,
        "mlplatform.workers": str(experiment.workers),
        "mlflow.source.type": "JOB",
        "mlflow.source.name": f"{experiment.bundle.name}:{experiment.entrypoint}",
    }


def _environment(run: Run) -> dict[str, object]:
    attempt = run.attempts.order_by("-number").first()
    return dict(attempt.environment) if attempt else {}
