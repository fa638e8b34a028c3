"""Dramatiq actors. They take ids, call a service, and are safe to repeat."""

from uuid import UUID

import dramatiq

import mlplatform.broker  # noqa: F401  (sets the broker before actors are declared)
from experiments.services import (
    losses,
    measuring,
    points,
    points_upkeep,
    project_purge,
    pruning,
    purging,
    quota_notices,
    retention,
    searching,
    tracking_sync,
)
from experiments.services import reconcile as reconciling
from mlplatform.kernel.coalesce import Coalesced, TakingTurns
from runners.services import usage

# Every run that ends asks for some of these. One that hangs must not take the threads of the others, either.
_settle_losses = Coalesced(losses.losses_settle)
_reconcile = Coalesced(reconciling.reconcile)
_propose = TakingTurns(searching.sets_propose)
_sync_tracking = Coalesced(tracking_sync.sync_due)
_purge_deleted = Coalesced(purging.purge_due)


@dramatiq.actor(time_limit=60_000, max_age=30_000, priority=-10)
def settle_losses() -> None:
    """End the leases of those who are silent, and settle what was lost. Short, and first in any queue."""
    _settle_losses()


@dramatiq.actor(time_limit=60_000, max_age=30_000)
def reconcile() -> None:
    """One tick of the reconciler."""
    _reconcile()


@dramatiq.actor(time_limit=600_000, max_age=30_000)
def propose(experiment_id: str) -> None:
    """A turn of an experiment's searcher."""
    _propose(UUID(experiment_id))


@dramatiq.actor(time_limit=600_000, max_age=30_000)
def sync_tracking() -> None:
    """Tell MLflow about finished runs."""
    _sync_tracking()


@dramatiq.actor(time_limit=60_000, max_age=600_000)
def prune(run_id: str, step: int) -> None:
    """Judge a run at a step."""
    pruning.run_judge(UUID(run_id), step)


@dramatiq.actor(time_limit=60_000)
def thin_out(run_id: str) -> None:
    """Drop the checkpoints of a run that need not stay."""
    retention.checkpoints_thin_out(UUID(run_id))


@dramatiq.actor(time_limit=600_000, max_age=30_000)
def empty_discarded() -> None:
    """Delete the folders that nothing refers to any more."""
    retention.checkpoints_catch_up()
    retention.discarded_delete()


@dramatiq.actor(time_limit=600_000, max_age=600_000)
def compact(run_id: str) -> None:
    """Merge the points that the batches of a run brought."""
    points.points_compact(UUID(run_id))


@dramatiq.actor(time_limit=600_000, max_age=300_000)
def tend_points() -> None:
    """Partitions of points, and runs that were not compacted."""
    points_upkeep.points_tend()


@dramatiq.actor(time_limit=600_000, max_age=300_000)
def purge_projects() -> None:
    """Delete what belongs to projects that people gave up."""
    project_purge.projects_purge()


@dramatiq.actor(time_limit=60_000, max_age=60_000)
def meter_usage() -> None:
    """Into the ledger what was held, and word to those whose hours come to their end."""
    usage.usage_meter()
    quota_notices.quotas_warn()


@dramatiq.actor(time_limit=600_000, max_age=60_000)
def measure_checkpoints() -> None:
    """Sizes of new checkpoints."""
    measuring.checkpoints_measure()


@dramatiq.actor(time_limit=600_000, max_age=30_000, priority=10)
def purge_deleted() -> None:
    """Take apart what people deleted."""
    _purge_deleted()
