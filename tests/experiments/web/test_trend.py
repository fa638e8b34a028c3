import math

from experiments.web.trend import trend


def test_points_fill_the_box() -> None:
    found = trend([0.5, None, 0.7, 0.6])
    assert found
    assert found.points == "3.0,27.0 79.0,3.0 117.0,15.0"
    assert found.words == "From 0.5 to 0.6 over 3 versions, best 0.7"


def test_lower_may_be_better_and_equal_values_are_a_level_line() -> None:
    low, level = trend([3.0, 1.0, 2.0], lower_is_better=True), trend([1.0, 1.0])
    assert low
    assert low.words.endswith("best 1")
    assert level
    assert level.points == "3.0,15.0 117.0,15.0"


def test_places() -> None:
    found = trend([1.0, 2.0, 3.0], places=[0, 90, 100], over="101 steps")
    assert found
    assert found.points == "3.0,27.0 105.6,15.0 117.0,3.0"
    assert found.words == "From 1 to 3 over 101 steps, best 3"
    assert trend([1.0, 2.0], places=[7, 7]) is not None


def test_too_few_numbers() -> None:
    assert trend([]) is None
    assert trend([None, 0.5, math.nan]) is None


def test_numbers_beyond_all_measure() -> None:
    assert trend([-1.7e308, 1.7e308]) is not None
