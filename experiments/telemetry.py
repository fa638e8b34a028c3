"""Parsing what the harness sends, before anything touches the database."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlplatform.kernel.errors import InvalidInput, TooLarge
from mlplatform.kernel.text import storable

NAME_LIMIT = 200
STEP_LIMIT = 2**62
SMALL_LIMIT = 2**31
PATH_LIMIT = 1000
GROUP_LIMIT = 64
NAMES_PER_BATCH = 1000
OUTCOMES = ("completed", "failed", "stopped")


@dataclass(frozen=True)
class Series:
    """Points of one metric: columns of equal length."""

    name: str
    steps: list[int]
    values: list[float]
    times: list[float]


@dataclass(frozen=True)
class CheckpointReport:
    """A checkpoint that all ranks have stored."""

    path: str
    step: int
    metrics: dict[str, Any]


@dataclass(frozen=True)
class End:
    """The end of an attempt as its process saw it."""

    outcome: str
    code: str = ""
    message: str = ""
    traceback: str = ""
    # The worker group that wants its next run in the answer; empty if it does not.
    group: str = ""


@dataclass(frozen=True)
class Batch:
    """One batch of one rank."""

    attempt: int
    fence: int
    rank: int
    seq: int
    points: list[Series]
    log: str
    progress: float | None
    checkpoint: CheckpointReport | None
    end: End | None


def parse_batch(content: Any) -> Batch:
    """Check the shape. Raises InvalidInput naming the field and its value."""
    if not isinstance(content, Mapping):
        raise InvalidInput("A batch must be a JSON object.")
    points = content.get("points", [])
    if not isinstance(points, list):
        raise InvalidInput("points must be a list.", field="points")
    if len(points) > NAMES_PER_BATCH:
        # Too large rather than invalid: the sender then splits it.
        raise TooLarge(f"A batch may have points of {NAMES_PER_BATCH} metrics; send it in smaller parts.")
    rank = _int(content, "rank", 0, SMALL_LIMIT)
    if points and rank:
        raise InvalidInput(f"points came from rank {rank}; only rank 0 sends them.", field="points")
    progress = content.get("progress")
    value = None if progress is None else _float("progress", progress)
    return Batch(
        attempt=_int(content, "attempt", 1, SMALL_LIMIT),
        fence=_int(content, "fence", 1),
        rank=rank,
        seq=_int(content, "seq", 1),
        points=[_series(item) for item in points],
        log=storable(content.get("log")),
        progress=None if value is None or not math.isfinite(value) else min(1.0, max(0.0, value)),
        checkpoint=_checkpoint(content.get("checkpoint")),
        end=_end(content.get("end")),
    )


def _series(item: Any) -> Series:
    if not isinstance(item, Mapping):
        raise InvalidInput(
            "Each of points must be an object with name, steps, values and times.", field="points"
        )
    name = storable(item.get("name"))
    if not name or len(name) > NAME_LIMIT:
        raise InvalidInput(
            f"The metric name {name[:40]!r} must have 1 to {NAME_LIMIT} characters.", field="points"
        )
    columns: list[Any] = [item.get(key) for key in ("steps", "values", "times")]
    if (
        not all(isinstance(column, list) for column in columns)
        or len({len(column) for column in columns}) != 1
    ):
        raise InvalidInput(
            f"steps, values and times of {name} must be lists of equal length.", field="points"
        )
    steps, values, times = columns
    return Series(
        name=name,
        steps=[_step(name, step) for step in steps or []],
        values=[_float(name, value) for value in values or []],
        times=[_time(name, time) for time in times or []],
    )


def _step(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < STEP_LIMIT:
        raise InvalidInput(
            f"The step {str(value)[:40]} of {name} must be a whole number from 0 to 2^62.", field="points"
        )
    return value


def _float(name: str, value: Any) -> float:
    """Non-finite numbers come as the strings nan, inf and -inf, since JSON has none."""
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


def _time(name: str, value: Any) -> float:
    seconds = _float(name, value)
    if not math.isfinite(seconds):
        raise InvalidInput(
            f"The time {seconds} of {name[:40]} is not a time in Unix seconds.", field="points"
        )
    return seconds


def _int(content: Mapping[str, Any], key: str, least: int, limit: int = STEP_LIMIT) -> int:
    value = content.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < limit:
        raise InvalidInput(f"{key} is {str(value)[:40]}; it must be a whole number from {least}.", field=key)
    return value


def _checkpoint(value: Any) -> CheckpointReport | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not storable(value.get("path")):
        raise InvalidInput("checkpoint must have a path and a step.", field="checkpoint")
    path = storable(value["path"])
    if len(path) > PATH_LIMIT:
        raise InvalidInput(
            f"The checkpoint's path has {len(path)} characters; at most {PATH_LIMIT} fit.", field="checkpoint"
        )
    metrics = value.get("metrics")
    numbers = {
        storable(name): number if math.isfinite(number := _float(str(name), item)) else str(number)
        for name, item in (metrics.items() if isinstance(metrics, Mapping) else ())
    }
    return CheckpointReport(path, _int(value, "step", 0), numbers)


def _end(value: Any) -> End | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or value.get("outcome") not in OUTCOMES:
        raise InvalidInput(f"end.outcome must be one of {', '.join(OUTCOMES)}.", field="end")
    cause = value.get("cause")
    cause = cause if isinstance(cause, Mapping) else {}
    return End(
        value["outcome"],
        storable(cause.get("code"))[:40],
        storable(cause.get("message")),
        storable(cause.get("traceback")),
        storable(value.get("group"))[:GROUP_LIMIT],
    )
