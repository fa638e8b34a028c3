"""Dramatiq actors. They take ids, call a service, and are safe to repeat."""

import dramatiq

import mlplatform.broker  # noqa: F401  (sets the broker before actors are declared)
from experiments.services import reconcile as reconciling
from experiments.services import tracking_sync


@dramatiq.actor(time_limit=60_000, max_age=30_000)
def reconcile() -> None:
    """One tick of the reconciler."""
    reconciling.reconcile()


@dramatiq.actor(time_limit=600_000, max_age=30_000)
def sync_tracking() -> None:
    """Tell MLflow about finished runs."""
    tracking_sync.sync_due()
