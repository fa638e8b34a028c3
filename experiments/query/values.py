"""What the values of a query mean."""

import re
from datetime import UTC, datetime, timedelta

from experiments.query.errors import QueryError
from experiments.query.tree import Literal

NONE = "none"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf)", re.ASCII | re.IGNORECASE)
SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhdw]?)", re.ASCII)


def is_none(literal: Literal) -> bool:
    """Whether it stands for having no value."""
    return not literal.is_quoted and literal.text.lower() == NONE


def is_number(literal: Literal) -> bool:
    """Whether it is one, and was not put into quotes."""
    return not literal.is_quoted and NUMBER.fullmatch(literal.text) is not None


def number(literal: Literal) -> float:
    """Raises QueryError."""
    if not is_number(literal):
        raise QueryError(literal.column, f"a number was expected, not {literal}.")
    return float(literal.text)


def span(literal: Literal) -> timedelta:
    """Seconds, or a number with a unit: 90, 1.5h, 2d. Raises QueryError."""
    match = None if literal.is_quoted else SPAN.fullmatch(literal.text)
    if match:
        seconds = float(match[1]) * UNITS[match[2] or "s"]
        if seconds < timedelta.max.total_seconds() / 2:
            return timedelta(seconds=seconds)
    raise QueryError(literal.column, f"a time span such as 90, 15m, 1.5h or 2d was expected, not {literal}.")


def moment(literal: Literal, now: datetime) -> datetime:
    """A date, a date with a time (UTC unless it says otherwise), or so long ago: 2026-05-01, -2d. Raises QueryError."""
    text = literal.text
    if text.startswith("-") and SPAN.fullmatch(text[1:]):
        try:
            return now - span(Literal(text[1:], column=literal.column))
        except OverflowError:
            pass
    else:
        try:
            found = datetime.fromisoformat(text)
            # Only the time zone's offset could still lead out of the calendar.
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise QueryError(
        literal.column,
        f"a time such as 2026-05-01, 2026-05-01T12:30 or -2d (ago) was expected, not {literal}.",
    )
