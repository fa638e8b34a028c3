"""Numbers as JSON."""

import math

# JSON has no NaN and no infinity: they are told as text.
Number = float | str | None


def number(value: float | None) -> Number:
    """The number, or "nan", "inf", "-inf"."""
    return value if value is None or math.isfinite(value) else str(value)
