"""A small line of a few values, as SVG draws it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 120.0, 30.0, 3.0


@dataclass(frozen=True)
class Trend:
    """Points of a polyline in a box of WIDTH by HEIGHT, and the same in words."""

    points: str
    words: str


def trend(
    values: Sequence[float | None],
    *,
    places: Sequence[float] = (),
    over: str = "",
    lower_is_better: bool = False,
) -> Trend | None:
    """None of fewer than two numbers. They are equally far apart unless their places, which rise, are given."""
    placed = zip(places or range(len(values)), values, strict=True)
    known = [(place, value) for place, value in placed if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return None
    low, high = min(value for _, value in known), max(value for _, value in known)
    first, end = known[0][0], known[-1][0]

    def at(place: float, value: float) -> str:
        # Halves first: the difference of two large numbers may be infinite.
        share = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
        x = EDGE + (WIDTH - 2 * EDGE) * ((place - first) / (end - first) if end > first else 0.5)
        return f"{x:.1f},{HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * share:.1f}"

    best = min if lower_is_better else max
    return Trend(
        points=" ".join(at(place, value) for place, value in known),
        words=f"From {known[0][1]:.4g} to {known[-1][1]:.4g} over {over or f'{len(known)} versions'}, "
        f"best {best(value for _, value in known):.4g}",
    )
