"""What a parameter's value may be: something that JSON, PostgreSQL and a form can all hold. Pure."""

import math
from typing import Any

Value = float | int | bool | str

# Beyond it a float is no longer exact, so JSON and JavaScript would change the number.
INTEGER_LIMIT = 2**53
TEXT_LIMIT = 1000
SHOWN = 60


def scalar(value: object) -> Value:
    """The value itself. Raises ValueError with the rest of a sentence that begins with the value's owner."""
    match value:
        case bool():
            return value
        case int() if abs(value) > INTEGER_LIMIT:
            raise ValueError("is a whole number beyond ±2^53")
        case float() if not math.isfinite(value):
            raise ValueError(f"is {value!r}; it must be a finite number")
        case int() | float():
            return value
        case str():
            return _text(value)
    raise ValueError(f"is {shown(value)}; it must be a number, a text, or true or false")


def number(value: object) -> float:
    """A finite number, also from text: YAML reads 1e-3 as text. Raises ValueError as `scalar` does."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"is {shown(value)}, which is not a number")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"is {shown(value)}, which is not a number") from None
    scalar(found)
    return found


def exact(value: Any) -> Any:
    """5 for 5.0, and all digits of the rest: what is shown comes back as the same value."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def shown(value: object) -> str:
    """A value in an error message, not longer than a line."""
    try:
        text = repr(value)
    except ValueError:
        # Python refuses to write integers of thousands of digits.
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _text(value: str) -> str:
    if len(value) > TEXT_LIMIT:
        raise ValueError(f"is a text of {len(value)} characters; at most {TEXT_LIMIT} fit")
    if "\x00" in value:
        raise ValueError("contains a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("contains half of a surrogate pair, which is no character") from None
    return value
