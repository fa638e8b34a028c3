"""Taking batches from the harness: idempotent by (run, attempt, rank, seq), gap-aware, fenced by the lease."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import transaction

from experiments.causes import Cause
from experiments.models import Checkpoint, IngestStream, Run, TrackingSync
from experiments.points import Points
from experiments.services.lifecycle import (
    not_finite_cause,
    run_ask_to_stop,
    run_changed,
    run_fail,
    run_finish,
    run_move,
    run_stopped,
)
from experiments.services.live import points_came, series_changed
from experiments.services.logs import log_append, log_changed
from experiments.services.metric_names import names_admit
from experiments.services.points import compact_later, points_store
from experiments.services.pruning import judge_later
from experiments.services.summaries import Rows, summaries, summarise
from experiments.states import INTERRUPTIONS, RunState, StopReason
from experiments.telemetry import Batch, End
from mlplatform.broker import enqueue
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict, NotFound
from runners.models import Allocation, Lease
from runners.services.leases import Fenced, lease_release, lease_renew
from runners.states import AllocationState


class Gap(Conflict):
    """A batch is missing before this one."""

    code = "gap"


@dataclass(frozen=True)
class Receipt:
    """What the sender is to do, and the seq that it is to send next."""

    order: str
    expected: int


@transaction.atomic
def batch_ingest(*, allocation: Allocation, run_id: UUID, batch: Batch) -> Receipt:
    """Store one batch and renew the lease. Raises NotFound, Gap (details: expected) or Fenced.

    A batch that was taken before is acknowledged again and changes nothing.
    """
    run = (
        Run.objects.select_for_update(of=("self",), no_key=True)
        .select_related("experiment")
        .filter(pk=run_id, experiment_id=allocation.owner_id)
        .first()
    )
    if run is None:
        raise NotFound(f"This allocation has no run {run_id}.")
    # The run's lock covers its streams.
    stream = IngestStream.objects.filter(run=run, attempt=batch.attempt, rank=batch.rank).first()
    stream = stream or IngestStream(run=run, attempt=batch.attempt, rank=batch.rank)
    expected = stream.last_seq + 1
    if batch.seq < expected:
        # Its answer was lost, and so may be what pages were to hear of it.
        run_changed(run)
        series_changed(run)
        log_changed(run)
        return Receipt(_order(run, allocation), expected)
    if batch.seq > expected:
        raise Gap(f"Batch {batch.seq} came, but {expected} is missing.", expected=expected)
    if lease_renew(allocation, batch.fence, subject_id=run.id, attempt=batch.attempt):
        _take(run, batch)
    elif not _is_tail(allocation, run, batch):
        raise Fenced(f"The lease {batch.fence} has ended; somebody else may have the run now.")
    else:
        _take_tail(run, batch)
    stream.last_seq = batch.seq
    stream.save()
    return Receipt(_order(run, allocation), batch.seq + 1)


def _is_tail(allocation: Allocation, run: Run, batch: Batch) -> bool:
    """Whether this was on its way when another rank ended the run."""
    return Lease.objects.filter(
        pk=batch.fence,
        allocation=allocation,
        subject_id=run.id,
        attempt=batch.attempt,
        release_reason__in=["completed", "failed", "stopped"],
    ).exists()


def _order(run: Run, allocation: Allocation) -> str:
    if not run.stop_reason:
        return "drain" if allocation.state == AllocationState.DRAINING else "continue"
    grace = timedelta(seconds=settings.PAUSE_GRACE_SECONDS)
    asked = run.stop_requested_at
    if run.stop_reason in INTERRUPTIONS and asked and clock.now() - asked < grace:
        return "pause"
    return "stop"


def _take(run: Run, batch: Batch) -> None:
    # The state "running" of a run that is over before it was seen would be no news.
    if run.state == RunState.STARTING and not batch.end:
        run_move(run, RunState.RUNNING, "running")
    if batch.progress is not None:
        run.progress = batch.progress
        run.save(update_fields=["progress"])
    _store(run, batch)
    if batch.points or batch.progress is not None or batch.checkpoint:
        run_changed(run)
    if batch.end:
        if batch.seq > 1:
            enqueue("compact", str(run.id))
        lease_release(batch.fence, batch.end.outcome)
        _finish(run, batch.end)


def _take_tail(run: Run, batch: Batch) -> None:
    """What was reported counts, unless a newer attempt reports the same steps again; the state stays as it is."""
    if batch.attempt != run.attempts_made:
        log_append(run, attempt=batch.attempt, rank=batch.rank, printed=batch.log)
        return
    _store(run, batch)
    if batch.points or batch.checkpoint:
        run_changed(run)
        # The tracker may have been told without them.
        TrackingSync.objects.filter(run=run).update(synced_at=None, next_try_at=clock.now(), tries=0)


def _store(run: Run, batch: Batch) -> None:
    if batch.points:
        rows = summaries(run, batch.points)
        batch = names_admit(run, batch, rows)
        _store_points(run, batch, rows)
    log_append(run, attempt=batch.attempt, rank=batch.rank, printed=batch.log)
    if batch.checkpoint:
        report = batch.checkpoint
        Checkpoint.objects.update_or_create(
            run=run,
            attempt=batch.attempt,
            step=report.step,
            defaults={"path": report.path, "metrics": report.metrics},
        )
        enqueue("thin_out", str(run.id))


def _store_points(run: Run, batch: Batch, rows: Rows) -> None:
    points = batch.points
    if not points:
        return
    has_new_names = not rows.keys() >= points.keys()
    points_store(run, attempt=batch.attempt, seq=batch.seq, points=points)
    judge_later(run, points)
    summarise(run, rows, points)
    compact_later(run, batch.seq, ((rows[name].count, len(found)) for name, found in points.items()))
    _stop_if_not_finite(run, points)
    if has_new_names:
        # Pages that show none of them learn that there is more to choose from.
        series_changed(run)
    points_came(run, batch.attempt, points, {name: rows[name].count for name in points})


def _finish(run: Run, end: End) -> None:
    if end.outcome == "stopped" or (end.outcome == "failed" and run.stop_reason):
        # It was told to stop; how it died on the way does not matter.
        run_stopped(run, traceback=end.traceback)
    elif end.outcome == "failed":
        run_fail(run, Cause(end.code or "user_error", end.message, end.traceback))
    elif _objective_is_lost(run):
        run_finish(run, RunState.FAILED, not_finite_cause(run))
    else:
        run_finish(run, RunState.COMPLETED)


def _stop_if_not_finite(run: Run, points: Mapping[str, Points]) -> None:
    """Once the objective is NaN or infinite, training on is a waste; the run stops at its next report."""
    metric = run.experiment.objective_metric
    if metric not in points or np.isfinite(points[metric].values).all():
        return
    run_ask_to_stop(run, StopReason.NOT_FINITE, f"{metric} is not finite; it stops at its next report.")


def _objective_is_lost(run: Run) -> bool:
    metric = run.experiment.objective_metric
    last = run.metrics.filter(name=metric).values_list("last", flat=True).first() if metric else None
    return last is not None and not math.isfinite(last)
