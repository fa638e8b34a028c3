"""The one source of the current time, so that tests can stop it."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """Current time, aware, UTC."""
    return timezone.now()
