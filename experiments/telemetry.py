"""Parsing what the harness sends, before anything touches the database."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.points import Points
from experiments.printed import Printed, parse_printed
from experiments.reported import STEP_LIMIT, number, parse_points
from experiments.system_metrics import PREFIX as SYSTEM
from mlplatform.kernel.errors import InvalidInput
from mlplatform.kernel.text import storable

SMALL_LIMIT = 2**31
PATH_LIMIT = 1000
GROUP_LIMIT = 64
OUTCOMES = ("completed", "failed", "stopped")


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
    # By metric, steps rising.
    points: dict[str, Points]
    log: Printed
    progress: float | None
    checkpoint: CheckpointReport | None
    end: End | None


def parse_batch(content: Any) -> Batch:
    """Check the shape. Raises InvalidInput naming the field and its value."""
    if not isinstance(content, Mapping):
        raise InvalidInput("A batch must be an object.")
    points = parse_points(content.get("points", []))
    rank = _int(content, "rank", 0, SMALL_LIMIT)
    _check_sender(points, rank)
    progress = content.get("progress")
    value = None if progress is None else number("progress", progress)
    return Batch(
        attempt=_int(content, "attempt", 1, SMALL_LIMIT),
        fence=_int(content, "fence", 1),
        rank=rank,
        seq=_int(content, "seq", 1),
        points=points,
        log=parse_printed(content),
        progress=None if value is None or not math.isfinite(value) else min(1.0, max(0.0, value)),
        checkpoint=_checkpoint(content.get("checkpoint")),
        end=_end(content.get("end")),
    )


def _check_sender(names: Iterable[str], rank: int) -> None:
    """What a model reports comes from rank 0; every rank tells of its own machine."""
    own = f"{SYSTEM}{rank}/"
    foreign = next((name for name in names if rank and not name.startswith(own)), None)
    if foreign is not None:
        raise InvalidInput(
            f"{foreign[:40]} came from rank {rank}, which may send {own}… and nothing else.", field="points"
        )


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
        storable(name): found if math.isfinite(found := number(str(name), item)) else str(found)
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
