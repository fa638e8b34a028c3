"""Points of one metric as columns, and how many become few without losing what a chart must show. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Points:
    """Columns of equal length. Times are Unix seconds."""

    steps: Ints
    values: Floats
    times: Floats

    def __len__(self) -> int:
        return len(self.steps)

    def pick(self, rows: Index | slice | npt.NDArray[np.bool_]) -> "Points":
        """Some of them."""
        return Points(self.steps[rows], self.values[rows], self.times[rows])

    def in_order(self) -> "Points":
        """By step; those of one step stay in the order in which they came."""
        if len(self) < 2 or bool((self.steps[1:] >= self.steps[:-1]).all()):
            return self
        return self.pick(np.argsort(self.steps, kind="stable"))

    def drawn(self) -> dict[str, list[Any]]:
        """The columns as a chart gets them."""
        return {
            "steps": self.steps.tolist(),
            "values": [finite(value) for value in self.values.tolist()],
            "times": self.times.tolist(),
        }


NONE = Points(np.empty(0, np.int64), np.empty(0), np.empty(0))


def finite(value: float | None) -> float | None:
    """The value, or None if charts have no place for it: JSON has neither NaN nor infinity."""
    return value if value is not None and math.isfinite(value) else None


def joined(parts: Sequence[Points]) -> Points:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NONE
    return Points(
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.times for part in parts]),
    )


def extremes(values: Floats, starts: Index) -> Index:
    """Where the minimum and the maximum of each bucket are, the first of equal ones; and both ends.

    A bucket begins at each of `starts`, the first one at 0. NaN is an extreme only where a bucket has nothing else.
    """
    unknown = np.isnan(values)
    lengths = np.diff(starts, append=len(values))
    hidden = unknown & ~np.repeat(np.logical_and.reduceat(unknown, starts), lengths)
    bucket = np.repeat(np.arange(len(starts)), lengths)
    keep = np.zeros(len(values), bool)
    keep[[0, -1]] = True
    for extreme, neutral in ((np.minimum, np.inf), (np.maximum, -np.inf)):
        known = np.where(unknown, neutral, values)
        at = np.flatnonzero((known == np.repeat(extreme.reduceat(known, starts), lengths)) & ~hidden)
        keep[at[np.diff(bucket[at], prepend=-1) > 0]] = True
    return np.flatnonzero(keep)


def thinned(points: Points, size: int) -> Points:
    """The extremes of each `size` points, and both ends."""
    return points.pick(extremes(points.values, np.arange(0, len(points), size))) if len(points) else points


def at_width(points: Points, x: Floats, width: int) -> Points:
    """What a chart so many pixels wide can show: the extremes of each pixel. `x` rises and says where points are."""
    if len(points) <= 2 * width:
        return points
    pixel = np.minimum((x - x[0]) * width / ((x[-1] - x[0]) or 1.0), width - 1).astype(np.int64)
    return points.pick(extremes(points.values, np.flatnonzero(np.diff(pixel, prepend=-1))))
