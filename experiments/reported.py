"""Points as the harness sends them: checked, and made columns.

A column is a list of numbers, or (msgpack only) the bytes of little-endian 64-bit numbers.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.points import Floats, Ints, Points, joined
from mlplatform.kernel.errors import InvalidInput, TooLarge
from mlplatform.kernel.text import storable

NAME_LIMIT = 200
STEP_LIMIT = 2**62
NAMES_PER_BATCH = 1000
POINTS_PER_BATCH = 100_000


def parse_points(content: Any) -> dict[str, Points]:
    """Columns by metric, steps rising. Raises InvalidInput, or TooLarge for what the sender is to split."""
    if not isinstance(content, list):
        raise InvalidInput("points must be a list.", field="points")
    if len(content) > NAMES_PER_BATCH:
        raise TooLarge(f"A batch may have points of {NAMES_PER_BATCH} metrics; send it in smaller parts.")
    found: dict[str, list[Points]] = {}
    for item in content:
        name, points = _series(item)
        if len(points):
            found.setdefault(name, []).append(points)
    if sum(len(points) for parts in found.values() for points in parts) > POINTS_PER_BATCH:
        raise TooLarge(f"A batch may have {POINTS_PER_BATCH:,} points; send it in smaller parts.")
    return {name: joined(parts).in_order() for name, parts in found.items()}


def number(name: str, value: Any) -> float:
    """Non-finite numbers come as the texts nan, inf and -inf, since JSON has none."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        raise InvalidInput(
            f"The value {str(value)[:40]} of {name[:40]} is not a number.", field="points"
        ) from None


def _series(item: Any) -> tuple[str, Points]:
    if not isinstance(item, Mapping):
        raise InvalidInput(
            "Each of points must be an object with name, steps, values and times.", field="points"
        )
    name = storable(item.get("name"))
    if not name or len(name) > NAME_LIMIT:
        raise InvalidInput(
            f"The metric name {name[:40]!r} must have 1 to {NAME_LIMIT} characters.", field="points"
        )
    steps, values, times = (item.get(key) for key in ("steps", "values", "times"))
    points = Points(_steps(name, steps), _floats(name, values), _times(name, times))
    if not len(points.steps) == len(points.values) == len(points.times):
        raise InvalidInput(
            f"steps, values and times of {name} must be lists of equal length.", field="points"
        )
    return name, points


def _steps(name: str, column: Any) -> Ints:
    if isinstance(column, bytes):
        steps: Ints = _packed(name, column, "<i8").astype(np.int64)
        wrong = steps[(steps < 0) | (steps >= STEP_LIMIT)].tolist()
    else:
        wrong = [
            step for step in _listed(name, column) if type(step) is not int or not 0 <= step < STEP_LIMIT
        ]
        steps = np.array([] if wrong else column, np.int64)
    if wrong:
        raise InvalidInput(
            f"The step {str(wrong[0])[:40]} of {name} must be a whole number from 0 to 2^62.", field="points"
        )
    return steps


def _floats(name: str, column: Any) -> Floats:
    if isinstance(column, bytes):
        floats: Floats = _packed(name, column, "<f8").astype(np.float64)
        return floats
    plain = set(map(type, _listed(name, column))) <= {float}
    return np.array(column if plain else [number(name, value) for value in column], np.float64)


def _times(name: str, column: Any) -> Floats:
    times = _floats(name, column)
    if not np.isfinite(times).all():
        odd = times[~np.isfinite(times)][0]
        raise InvalidInput(f"The time {odd} of {name[:40]} is not a time in Unix seconds.", field="points")
    return times


def _listed(name: str, column: Any) -> list[Any]:
    if not isinstance(column, list):
        raise InvalidInput(
            f"steps, values and times of {name} must be lists of equal length.", field="points"
        )
    return column


def _packed(name: str, column: bytes, kind: str) -> Any:
    if len(column) % 8:
        raise InvalidInput(
            f"A column of {name} has {len(column)} bytes; each of its numbers must have 8.", field="points"
        )
    return np.frombuffer(column, kind)
