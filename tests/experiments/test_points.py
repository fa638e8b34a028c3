import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.points import NONE, Points, at_width, extremes, joined, thinned
from tests.points import columns, rows

VALUES = st.lists(st.floats() | st.sampled_from([0.0, 1.0, math.nan]), min_size=1, max_size=80)


def of(values: list[float]) -> Points:
    return columns(range(len(values)), values)


def low_high(values: Any) -> tuple[float, float] | None:
    known = [value for value in values if not math.isnan(value)]
    return (min(known), max(known)) if known else None


@given(values=VALUES, size=st.integers(1, 9))
def test_each_bucket_keeps_its_extremes_and_nothing_else_but_the_ends(values: list[float], size: int) -> None:
    kept = extremes(np.array(values), np.arange(0, len(values), size))
    assert list(kept) == sorted(set(kept))
    assert {0, len(values) - 1} <= set(kept)
    for start in range(0, len(values), size):
        bucket = values[start : start + size]
        left = [values[at] for at in kept if start <= at < start + size]
        assert low_high(left) == low_high(bucket)
        assert left, "a bucket of NaN stays visible"
        inner = [at for at in kept if start <= at < start + size and at not in (0, len(values) - 1)]
        assert len(inner) <= 2
        if low_high(bucket):
            assert not any(math.isnan(values[at]) for at in inner)


@given(values=VALUES, size=st.integers(2, 9))
def test_thinning_twice_keeps_the_extremes_and_the_ends(values: list[float], size: int) -> None:
    points = of(values)
    twice = thinned(thinned(points, size), size)
    assert low_high(twice.values) == low_high(points.values)
    assert rows(twice)[0][0] == 0
    assert rows(twice)[-1][0] == len(values) - 1
    assert {repr(row) for row in rows(twice)} <= {repr(row) for row in rows(points)}


@given(
    values=VALUES,
    gaps=st.lists(st.floats(0, 1e6), min_size=80, max_size=80),
    width=st.integers(1, 30),
)
def test_each_pixel_keeps_its_extremes(values: list[float], gaps: list[float], width: int) -> None:
    points, x = of(values), np.cumsum(gaps[: len(values)])
    thin = at_width(points, x, width)
    assert len(thin) <= 2 * width + 2
    if len(points) <= 2 * width:
        assert thin is points
        return
    pixel = np.minimum((x - x[0]) * width / ((x[-1] - x[0]) or 1.0), width - 1).astype(int)
    for one in set(pixel):
        left = thin.values[pixel[thin.steps] == one]
        assert low_high(left) == low_high(points.values[pixel == one])


def test_of_equal_values_the_first_is_kept() -> None:
    points = of([5.0, 1.0, 1.0, 5.0, 3.0])
    assert rows(thinned(points, 5)) == rows(points.pick(np.array([0, 1, 4])))


def test_in_order_keeps_the_order_of_arrival_within_a_step() -> None:
    points = columns([2, 1, 2, 1], [1.0, 2.0, 3.0, 4.0])
    assert [(step, value) for step, value, _ in rows(points.in_order())] == [
        (1, 2.0),
        (1, 4.0),
        (2, 1.0),
        (2, 3.0),
    ]


@pytest.mark.parametrize("parts", [[], [NONE], [NONE, NONE]])
def test_nothing_stays_nothing(parts: list[Points]) -> None:
    assert len(joined(parts)) == len(thinned(joined(parts), 3)) == 0


def test_a_chart_has_no_place_for_what_is_not_finite() -> None:
    drawn = columns([1, 2, 3, 4], [0.5, math.nan, math.inf, -math.inf], [1.0, 2.0, 3.0, 4.0]).drawn()
    assert drawn == {"steps": [1, 2, 3, 4], "values": [0.5, None, None, None], "times": [1.0, 2.0, 3.0, 4.0]}
    assert json.loads(json.dumps(drawn, allow_nan=False)) == drawn
