"""When something probably starts, in words. Pure."""

from datetime import datetime

UNKNOWN = "When it starts is not known: nothing like what is before it has finished yet."
SOON = 10
MINUTE, HOUR, DAY = 60, 3600, 86400


def wait_words(starts_at: datetime | None, starts_by: datetime | None, frees: str, now: datetime) -> str:
    """Two times and what lets go right before, as sentences."""
    if starts_at is None:
        return f"It gets its place when {frees}; when that is, nobody knows yet." if frees else UNKNOWN
    soon = (starts_at - now).total_seconds()
    words = (
        f"Starts {'soon' if soon < SOON else f'in about {about(soon)}'}{f', when {frees}' if frees else ''}"
    )
    if starts_by is None:
        return f"{words}."
    late = (starts_by - now).total_seconds()
    return f"{words}; nine times in ten within {about(max(late, SOON))}."


def about(seconds: float) -> str:
    """Rounded up, as nobody knows it exactly: 40 s, 5 min, 3 h, 2 days."""
    if seconds < MINUTE:
        return f"{-(-seconds // 10) * 10:g} s"
    if seconds < HOUR:
        return f"{-(-seconds // MINUTE):g} min"
    if seconds < DAY:
        return f"{-(-seconds // (HOUR / 2)) / 2:g} h"
    return f"{-(-seconds // (DAY / 2)) / 2:g} days"
