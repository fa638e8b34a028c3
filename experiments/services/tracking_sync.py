"""The outbox towards MLflow: every run that has ended is told, whatever happens in between.

A row is claimed by moving its `next_try_at` past the claim, worked on outside of any transaction, and marked done only
if the run has not ended anew meanwhile. Whoever dies in the middle leaves a row that is due again when its claim runs
out. Everything sent is safe to repeat.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import F

from experiments.models import Experiment, ModelVersion, Run, TrackingSync
from experiments.selectors import tracking as selectors
from experiments.services.lifecycle import experiment_changed, run_changed
from experiments.states import RunState
from experiments.tracking.packaging import MODEL_FILE, has_model
from experiments.tracking.port import (
    ModelRecord,
    ModelUnusable,
    Point,
    RecordedModel,
    RegisteredVersion,
    TrackingUnavailable,
)
from experiments.tracking.registry import tracking_store
from mlplatform.kernel import clock, storage
from mlplatform.kernel.errors import PlatformError

logger = logging.getLogger(__name__)

BATCH = 100
CLAIM = timedelta(minutes=2)
# An outage is asked about once per this time, however many runs wait.
OUTAGE_PAUSE = timedelta(seconds=10)
# Back-off doubles from the first to the second: of an outage, and of a refusal that an operator has to mend.
OUTAGE_BACKOFF = (timedelta(seconds=5), timedelta(minutes=1))
REFUSAL_BACKOFF = (timedelta(minutes=1), timedelta(hours=1))
# Looks at the storage for one run's model.
CHECKPOINTS_TO_TRY = 50
NO_MODEL: dict[str, Any] = {"model_uri": "", "model_step": None, "model_objective": None, "model_size": None}


def sync_due() -> None:
    """Tell the tracker what is due: runs first, then the best models of completed experiments."""
    for sync in selectors.syncs_due(clock.now())[:BATCH]:
        if _claim(sync) and not _sync(sync):
            return
    for experiment in selectors.registrations_due(clock.now())[:BATCH]:
        if not _register_best(experiment):
            return


def _claim(sync: TrackingSync) -> bool:
    """Take the row for a while. False: somebody else was faster."""
    until = clock.now() + CLAIM
    mine = TrackingSync.objects.filter(pk=sync.pk, synced_at__isnull=True, next_try_at=sync.next_try_at)
    if not mine.update(next_try_at=until, tries=F("tries") + 1):
        return False
    sync.next_try_at = until
    sync.tries += 1
    return True


def _sync(sync: TrackingSync) -> bool:
    """Work on one claimed row. False: the tracker is down, so the others can wait."""
    try:
        _tell(sync)
    except TrackingUnavailable as error:
        _try_later(sync, error.message, OUTAGE_BACKOFF)
        _pause()
        return False
    except PlatformError as error:
        _try_later(sync, error.message, REFUSAL_BACKOFF)
    except Exception as error:
        # One run that cannot be told must not hold up the others.
        logger.exception("run %s could not be told to the tracker", sync.run_id)
        _try_later(sync, f"Internal error ({type(error).__name__}); see the worker's log.", REFUSAL_BACKOFF)
    return True


def _tell(sync: TrackingSync) -> None:
    """Record the run and its model, then mark the row done."""
    run = sync.run
    record = selectors.run_record(run)
    metrics = [replace(series, points=_renewing(sync, series.points)) for series in record.metrics]
    recorded = tracking_store().record_run(replace(record, metrics=metrics))
    model, trouble = NO_MODEL, ""
    if run.state == RunState.COMPLETED:
        try:
            model = _record_model(run, recorded.tracking_run_id)
        except ModelUnusable as error:
            trouble = error.message
    with transaction.atomic():
        # Not by the claim: a slow sync that outlived it is done all the same, unless the run was retried meanwhile.
        TrackingSync.objects.filter(pk=sync.pk, run__ended_at=run.ended_at, run__state=run.state).update(
            mlflow_run_id=recorded.tracking_run_id,
            last_error=trouble,
            synced_at=clock.now(),
            **model,
        )
        run_changed(run)


def _renewing(sync: TrackingSync, points: Iterable[Point]) -> Iterator[Point]:
    """The same points; while they are sent, the claim stays ours, however long it takes."""
    for point in points:
        if sync.next_try_at - clock.now() < CLAIM / 2:
            until = clock.now() + CLAIM
            mine = TrackingSync.objects.filter(
                pk=sync.pk, synced_at__isnull=True, next_try_at=sync.next_try_at
            )
            if mine.update(next_try_at=until):
                sync.next_try_at = until
        yield point


def _record_model(run: Run, tracking_run_id: str) -> dict[str, Any]:
    """Store the best checkpoint that holds a model; what the outbox row says of it."""
    for checkpoint in islice(selectors.checkpoints_by_merit(run), CHECKPOINTS_TO_TRY):
        # Only from the run's own folder: what a job reports may name anybody's.
        url = storage.url_inside(checkpoint.path, "runs", str(run.id))
        if url is None or not has_model(url):
            continue
        points = selectors.points_at(run, checkpoint.step)
        record = ModelRecord(
            tracking_run_id=tracking_run_id,
            run_id=str(run.id),
            run_url=selectors.run_url(run),
            checkpoint=url,
            step=checkpoint.step,
            created_at=checkpoint.created_at,
            python_version=selectors.python_version(run),
            params=run.params,
            metrics=points,
        )
        return {
            "model_uri": tracking_store().record_model(record).uri,
            "model_step": checkpoint.step,
            "model_objective": selectors.objective_with(run, checkpoint, points),
            "model_size": storage.files_in(url).get(MODEL_FILE),
        }
    return NO_MODEL


def _register_best(experiment: Experiment) -> bool:
    """Make the best model a version, once. False: the tracker is down."""
    until = clock.now() + CLAIM
    mine = Experiment.objects.filter(pk=experiment.pk, registration_due_at=experiment.registration_due_at)
    if not mine.update(registration_due_at=until):
        return True
    best = selectors.best_model(experiment)
    if selectors.better_is_to_come(experiment, best):
        Experiment.objects.filter(pk=experiment.pk, registration_due_at=until).update(
            registration_due_at=clock.now() + OUTAGE_BACKOFF[0]
        )
        return True
    try:
        if best and not ModelVersion.objects.filter(run=best.run).exists():
            _register(experiment, best)
    except PlatformError as error:
        pause, _ = OUTAGE_BACKOFF if error.retryable else REFUSAL_BACKOFF
        Experiment.objects.filter(pk=experiment.pk, registration_due_at=until).update(
            registration_due_at=clock.now() + pause
        )
        if best and TrackingSync.objects.filter(pk=best.pk).exclude(last_error=error.message).update(
            last_error=error.message
        ):
            run_changed(best.run)
        return not error.retryable
    Experiment.objects.filter(pk=experiment.pk, registration_due_at=until).update(registration_due_at=None)
    return True


def _register(experiment: Experiment, sync: TrackingSync) -> None:
    run, metric = sync.run, experiment.objective_metric
    value = f"not reported at step {sync.model_step}"
    if sync.model_objective is not None:
        value = f"{sync.model_objective:g} at step {sync.model_step}"
    version = tracking_store().register_model(
        name=f"{experiment.project.slug}.{experiment.slug}",
        model=RecordedModel(sync.mlflow_run_id, sync.model_uri, f"runs:/{sync.mlflow_run_id}/model"),
        description=f"Best model of {experiment.name} by {metric} ({value}): [{run}]({selectors.run_url(run)})",
    )
    with transaction.atomic():
        _keep(experiment, sync, version)
        TrackingSync.objects.filter(pk=sync.pk).update(last_error="")
        experiment_changed(experiment)
        run_changed(run)


def _keep(experiment: Experiment, sync: TrackingSync, version: RegisteredVersion) -> None:
    # A tracker that lost its data counts versions from 1 again; the old row of that number names nothing any more.
    ModelVersion.objects.filter(name=version.name, version=version.version).exclude(run=sync.run).delete()
    fields = {
        "name": version.name,
        "version": version.version,
        "uri": version.uri,
        "project": experiment.project,
        "step": sync.model_step,
        "objective": sync.model_objective,
    }
    ModelVersion.objects.update_or_create(run=sync.run, defaults=fields)


def _try_later(sync: TrackingSync, message: str, backoff: tuple[timedelta, timedelta]) -> None:
    """Give the claim back with an error that people see."""
    shortest, longest = backoff
    wait = min(shortest * 2 ** min(sync.tries - 1, 16), longest)
    logger.warning("run %s is not in the tracker yet (try %s): %s", sync.run_id, sync.tries, message)
    mine = TrackingSync.objects.filter(pk=sync.pk, synced_at__isnull=True, next_try_at=sync.next_try_at)
    if mine.update(next_try_at=clock.now() + wait, last_error=message) and message != sync.last_error:
        run_changed(sync.run)


def _pause() -> None:
    """Let what is due wait out the outage for a moment, instead of each row finding out by itself."""
    now = clock.now()
    TrackingSync.objects.filter(synced_at__isnull=True, next_try_at__lte=now).update(
        next_try_at=now + OUTAGE_PAUSE
    )
