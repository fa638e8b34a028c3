"""Taking batches from the harness: idempotent by (run, attempt, rank, seq), gap-aware, fenced by the lease."""

import math
import zlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from experiments.models import Checkpoint, IngestStream, LogChunk, MetricBatch, Run
from experiments.services.lifecycle import Cause, run_changed, run_fail, run_finish, run_move
from experiments.services.summaries import summarise
from experiments.states import RunState
from experiments.telemetry import Batch, End, Series
from mlplatform.http.live import group_name, publish
from mlplatform.kernel.errors import Conflict, NotFound
from runners.models import Allocation, Lease
from runners.services.leases import lease_release, lease_renew
from runners.states import AllocationState


class Gap(Conflict):
    """A batch is missing before this one."""

    code = "gap"


class Fenced(Conflict):
    """The lease is no longer the sender's."""

    code = "fenced"


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
    stream, _ = IngestStream.objects.select_for_update(no_key=True).get_or_create(
        run=run, attempt=batch.attempt, rank=batch.rank
    )
    expected = stream.last_seq + 1
    if batch.seq < expected:
        return Receipt(_order(run, allocation), expected)
    if batch.seq > expected:
        raise Gap(f"Batch {batch.seq} came, but {expected} is missing.", expected=expected)
    if lease_renew(allocation, batch.fence, subject_id=run.id, attempt=batch.attempt):
        _store(run, batch)
    elif not _is_tail(allocation, run, batch):
        raise Fenced(f"The lease {batch.fence} has ended; somebody else may have the run now.")
    else:
        _store_log(run, batch)
    IngestStream.objects.filter(pk=stream.pk).update(last_seq=batch.seq)
    return Receipt(_order(run, allocation), batch.seq + 1)


def _is_tail(allocation: Allocation, run: Run, batch: Batch) -> bool:
    """Whether these are the last words of a rank whose run another rank has ended already."""
    return Lease.objects.filter(
        pk=batch.fence,
        allocation=allocation,
        subject_id=run.id,
        attempt=batch.attempt,
        release_reason__in=["completed", "failed", "stopped"],
    ).exists()


def _order(run: Run, allocation: Allocation) -> str:
    if run.stop_reason:
        return "stop"
    return "drain" if allocation.state == AllocationState.DRAINING else "continue"


def _store(run: Run, batch: Batch) -> None:
    if run.state == RunState.STARTING:
        run_move(run, RunState.RUNNING, "running")
    points = _merged(batch.points)
    if points:
        MetricBatch.objects.bulk_create(
            MetricBatch(
                run=run,
                name=s.name,
                attempt=batch.attempt,
                seq=batch.seq,
                steps=s.steps,
                values=s.values,
                times=s.times,
            )
            for s in points
        )
        summarise(run, {s.name: (s.steps, s.values) for s in points})
        publish(
            [group_name("run", run.id), group_name("experiment", run.experiment_id)],
            {
                "what": "points",
                "run": str(run.id),
                "number": run.number,
                "points": [_live(s) for s in points],
            },
        )
    if batch.progress is not None:
        Run.objects.filter(pk=run.pk).update(progress=batch.progress)
    _store_log(run, batch)
    if batch.checkpoint:
        report = batch.checkpoint
        Checkpoint.objects.update_or_create(
            run=run,
            attempt=batch.attempt,
            step=report.step,
            defaults={"path": report.path, "metrics": report.metrics},
        )
    if points or batch.progress is not None or batch.checkpoint:
        run_changed(run)
    if batch.end:
        lease_release(batch.fence, batch.end.outcome)
        _finish(run, batch.end)


def _finish(run: Run, end: End) -> None:
    if end.outcome == "failed" and run.stop_reason:
        # It was told to stop; how it died on the way does not matter.
        run_finish(run, RunState.CANCELED)
    elif end.outcome == "failed":
        run_fail(run, Cause(end.code or "user_error", end.message, end.traceback))
    elif end.outcome == "stopped":
        run_finish(run, RunState.CANCELED)
    else:
        run_finish(run, RunState.COMPLETED)


def _store_log(run: Run, batch: Batch) -> None:
    if not batch.log:
        return
    content = batch.log.encode()
    last = LogChunk.objects.filter(run=run, attempt=batch.attempt, rank=batch.rank).order_by("-seq").first()
    LogChunk.objects.create(
        run=run,
        attempt=batch.attempt,
        rank=batch.rank,
        seq=batch.seq,
        offset=last.offset + last.size if last else 0,
        size=len(content),
        content=zlib.compress(content, 6),
    )
    publish([group_name("run", run.id)], {"what": "log", "run": str(run.id)})


def _merged(points: list[Series]) -> list[Series]:
    """One series per name, should a batch name a metric twice."""
    by_name: dict[str, Series] = {}
    for series in points:
        if not series.steps:
            continue
        known = by_name.setdefault(series.name, Series(series.name, [], [], []))
        known.steps.extend(series.steps)
        known.values.extend(series.values)
        known.times.extend(series.times)
    return list(by_name.values())


def _live(series: Series) -> dict[str, Any]:
    values = [value if math.isfinite(value) else None for value in series.values]
    return {"name": series.name, "steps": series.steps, "values": values, "times": series.times}
