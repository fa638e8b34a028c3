import math
from typing import Any

import pytest

from mlplatform.http.templatetags import duration, lookup, number, percent, run_color


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.97123456, "0.9712"),
        (0.5, "0.5"),
        (3.0, "3"),
        (12, "12"),
        (0.00001, "1e-5"),
        (1234.567, "1234.6"),
        (1e20, "100000000000000000000.0"),
        (True, "true"),
        (False, "false"),
        ("adam", "adam"),
        (None, "–"),
        ("", "–"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_number(value: Any, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (-1, "0.0 s"),
        (0.84, "0.8 s"),
        (42.4, "42 s"),
        (187, "3 min 07 s"),
        (7500, "2 h 05 min"),
        (3 * 86400 + 4 * 3600, "3 d 04 h"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("part", "text"), [(None, "–"), (0, "0 %"), (0.999, "99 %"), (1, "100 %"), (1.2, "100 %")]
)
def test_percent_is_complete_only_at_the_end(part: float | None, text: str) -> None:
    assert percent(part) == text


def test_run_colors_repeat_with_another_pattern() -> None:
    assert run_color(1) == "run-color-1 run-turn-0"
    assert run_color(10) == "run-color-10 run-turn-0"
    assert run_color(11) == "run-color-1 run-turn-1"
    assert len({run_color(n) for n in range(1, 31)}) == 30


def test_lookup() -> None:
    assert lookup({"a": 1}, "a") == 1
    assert lookup({}, "a") is None
