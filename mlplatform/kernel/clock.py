"""The one source of the current time, so that tests can stop it."""

from datetime import UTC, datetime

from django.utils import timezone


def now() -> datetime:
    """Current time, aware, UTC."""
    return timezone.now()


def month_of(at: datetime) -> int:
    """Its month in UTC, as YYYYMM."""
    utc = at.astimezone(UTC)
    return utc.year * 100 + utc.month
