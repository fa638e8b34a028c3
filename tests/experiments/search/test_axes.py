import math

import pytest

from experiments.search.axes import MAX_CHOICES, Axis, axes_of
from experiments.search.conditions import declare_all
from experiments.search.space import ParamSet
from tests.experiments.search.spaces import DECLARED, spec_of


def test_a_range_reaches_as_far_as_the_search_and_as_the_values_of_people() -> None:
    searched = spec_of("random", {"lr": {"min": 0.001, "max": 0.1}}).searched
    [axis] = axes_of(DECLARED, searched, [{"lr": 0.01}, {"lr": 0.5}]).varied
    assert axis == Axis("lr", 0.001, 0.5, log=True)
    assert axis.code(0.5) == 0.5
    assert axis.position(0.001) == 0
    assert axis.position(math.sqrt(0.001 * 0.5)) == pytest.approx(0.5)
    assert axis.to_json() == {"name": "lr", "low": 0.001, "high": 0.5, "log": True}


def test_without_a_search_values_make_the_axis_and_the_declaration_its_scale() -> None:
    found = axes_of(DECLARED, {}, [{"lr": 0.1, "dropout": 0.0}, {"lr": 0.2, "dropout": 0.5}])
    assert found.varied == [Axis("lr", 0.1, 0.2, log=True), Axis("dropout", 0.0, 0.5)]


def test_a_log_axis_needs_positive_values() -> None:
    parameters = declare_all({"lr": {"type": "auto", "default": 1}})
    searched = spec_of("random", {"lr": {"min": 0.001, "max": 0.1}}).searched
    assert not axes_of(parameters, searched, [{"lr": 0.0}, {"lr": 0.1}]).varied[0].log


def test_choices_keep_their_order_and_numbers_are_sorted() -> None:
    searched = spec_of("random", {"optimizer": ["sgd", "adam"], "width": [64, 16, 32]}).searched
    sets: list[ParamSet] = [{"width": 16, "optimizer": "adam"}, {"width": 24, "optimizer": "sgd"}]
    width, optimizer = axes_of(DECLARED, searched, sets).varied
    assert width.choices == (16, 24, 32, 64)
    assert optimizer.choices == ("sgd", "adam")
    assert optimizer.code("adam") == 1


def test_true_is_not_one() -> None:
    sets: list[ParamSet] = [{"read": 1}, {"read": True}, {"read": "one"}]
    [axis] = axes_of(DECLARED, {}, sets).varied
    assert len(axis.choices) == 3
    assert [axis.choices[int(axis.code(each["read"]))] for each in sets] == [1, True, "one"]
    assert {type(choice) for choice in axis.choices} == {int, bool, str}


def test_what_never_varies_is_no_axis_unless_the_search_is_only_about_to() -> None:
    searched = spec_of("random", {"lr": {"min": 0.001, "max": 0.1}}).searched
    found = axes_of(
        DECLARED, searched, [{"lr": 0.01, "width": 32, "momentum": 0.9}, {"lr": 0.01, "width": 32}]
    )
    assert [axis.name for axis in found.varied] == ["lr"]
    assert found.constant == {"width": 32, "momentum": 0.9}


def test_more_texts_than_an_axis_has_room_for() -> None:
    found = axes_of(DECLARED, {}, [{"name": f"n{index}"} for index in range(MAX_CHOICES + 1)])
    assert found.varied == []
    assert found.unordered == ["name"]


def test_many_listed_numbers_are_a_range() -> None:
    searched = spec_of("random", {"width": [8 * n for n in range(1, 15)]}).searched
    assert axes_of(DECLARED, searched, [{"width": 8}]).varied == [Axis("width", 8, 112)]


def test_no_set_no_axis() -> None:
    assert axes_of(DECLARED, spec_of("random").searched, []).varied == []
