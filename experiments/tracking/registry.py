"""The tracker of this portal, as settings.TRACKING_STORE names it."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from experiments.tracking.port import TrackingStore


@cache
def tracking_store() -> TrackingStore:
    """One per process: it holds the connections."""
    store: TrackingStore = import_string(settings.TRACKING_STORE)(settings.MLFLOW_URL)
    return store
