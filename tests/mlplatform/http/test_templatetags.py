import json
import math
from pathlib import Path
from typing import Any

import pytest

from mlplatform.http.templatetags import deviation, duration, lookup, number, percent, run_color

# What static/app/js/words.js writes alike.
CASES = json.loads((Path(__file__).parents[2] / "static" / "words.json").read_text())


@pytest.mark.parametrize(
    ("value", "text"), [*CASES["number"], (math.nan, "NaN"), (math.inf, "∞"), (-math.inf, "-∞")]
)
def test_number(value: Any, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), CASES["deviation"])
def test_deviation(value: float, text: str) -> None:
    assert deviation(value) == text


@pytest.mark.parametrize(("seconds", "text"), [*CASES["duration"], (math.nan, "–")])
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
