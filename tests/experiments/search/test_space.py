import pytest

from experiments.search.conditions import declare_all
from experiments.search.scalars import Value
from experiments.search.space import MAX_SETS, applicable, complete, expand_grid, parse_values
from mlplatform.kernel.errors import InvalidInput

DECLARED = declare_all(
    {
        "lr": {"type": "float", "default": 0.01, "min": 0.0001, "max": 1},
        "epochs": {"type": "int", "default": 3, "min": 1},
        "optimizer": {"type": "categorical", "choices": ["adam", "sgd"], "default": "adam"},
    }
)
# The child is declared before its parent, and says no default.
CONDITIONAL = declare_all(
    {
        "nesterov": {"type": "bool", "when": {"momentum": 0.9}},
        "momentum": {"type": "float", "default": 0.9, "when": {"optimizer": "sgd"}},
        "optimizer": {"type": "categorical", "choices": ["adam", "sgd"], "default": "adam"},
    }
)


def test_comma_separated_text_is_a_list_without_repeats() -> None:
    assert parse_values(DECLARED["lr"], "0.1, 0.2,0.1") == [0.1, 0.2]
    assert parse_values(DECLARED["lr"], "  ") == [0.01]
    with pytest.raises(InvalidInput, match="needs a value"):
        parse_values(CONDITIONAL["nesterov"], "")


def test_a_set_is_completed_from_defaults() -> None:
    assert complete(DECLARED, {"lr": "0.3"}) == {"lr": 0.3, "epochs": 3, "optimizer": "adam"}
    with pytest.raises(InvalidInput, match="no parameter rate; declared are: lr, epochs, optimizer"):
        complete(DECLARED, {"rate": 1})
    with pytest.raises(InvalidInput, match="x has no default"):
        complete(declare_all({"x": {"type": "float"}}), {})


def test_what_does_not_apply_is_left_out_in_declared_order() -> None:
    assert complete(CONDITIONAL, {}) == {"optimizer": "adam"}
    full = complete(CONDITIONAL, {"optimizer": "sgd", "nesterov": "true"})
    assert list(full.items()) == [("nesterov", True), ("momentum", 0.9), ("optimizer", "sgd")]
    assert complete(CONDITIONAL, {"optimizer": "sgd", "momentum": 0.5}) == {
        "momentum": 0.5,
        "optimizer": "sgd",
    }
    with pytest.raises(InvalidInput, match="nesterov has no default"):
        complete(CONDITIONAL, {"optimizer": "sgd"})


def test_a_value_for_what_does_not_apply_names_the_condition() -> None:
    with pytest.raises(InvalidInput) as caught:
        complete(CONDITIONAL, {"momentum": 0.5})
    assert caught.value.message == (
        "Parameter momentum applies only when optimizer is sgd; leave it out of this set."
    )
    assert caught.value.field == "momentum"


def test_what_does_not_apply_can_be_dropped_first() -> None:
    everything = {"nesterov": True, "momentum": "0.9", "optimizer": "adam", "unknown": 1}
    assert applicable(CONDITIONAL, everything) == {"optimizer": "adam", "unknown": 1}
    assert applicable(CONDITIONAL, {**everything, "optimizer": "sgd"}) == {**everything, "optimizer": "sgd"}
    # Without the parent its default counts; a child without one is left for `complete` to refuse.
    assert applicable(CONDITIONAL, {"momentum": 0.5}) == {}
    assert applicable(CONDITIONAL, {"optimizer": "sgd"}) == {"optimizer": "sgd"}


def test_a_grid_is_every_combination_last_name_fastest() -> None:
    assert expand_grid({"epochs": [1, 2], "optimizer": ["adam", "sgd"]}, DECLARED) == [
        {"epochs": 1, "optimizer": "adam"},
        {"epochs": 1, "optimizer": "sgd"},
        {"epochs": 2, "optimizer": "adam"},
        {"epochs": 2, "optimizer": "sgd"},
    ]
    with pytest.raises(InvalidInput, match=f"make {MAX_SETS + 1} runs"):
        expand_grid({"epochs": list(range(MAX_SETS + 1))}, DECLARED)
    with pytest.raises(InvalidInput, match="make at least 11 runs; at most 10"):
        expand_grid({"lr": [0.1] * 11, "epochs": [1]}, DECLARED, limit=10)


def test_a_grid_has_no_set_twice_for_what_does_not_apply() -> None:
    values: dict[str, list[Value]] = {
        "optimizer": ["adam", "sgd"],
        "momentum": [0.5, 0.9],
        "nesterov": [False, True],
    }
    assert expand_grid(values, CONDITIONAL) == [
        {"optimizer": "adam"},
        {"momentum": 0.5, "optimizer": "sgd"},
        {"nesterov": False, "momentum": 0.9, "optimizer": "sgd"},
        {"nesterov": True, "momentum": 0.9, "optimizer": "sgd"},
    ]
    # A parent without a value: what depends on it never applies.
    assert expand_grid({"nesterov": [True]}, CONDITIONAL) == [{}]


def test_what_is_optional_is_left_out_unless_it_has_a_value() -> None:
    declared = declare_all(
        {"lr": {"type": "float", "default": 0.1}, "schedule": {"type": "auto", "optional": True}}
    )
    assert not declared["schedule"].required
    assert declared["schedule"].to_json() == {"type": "auto", "optional": True}
    assert complete(declared, {}) == {"lr": 0.1}
    assert complete(declared, {"schedule": "cosine"}) == {"lr": 0.1, "schedule": "cosine"}
    assert parse_values(declared["schedule"], " ") == []
    assert expand_grid({"lr": [0.1, 0.2], "schedule": []}, declared) == [{"lr": 0.1}, {"lr": 0.2}]


@pytest.mark.parametrize("more", [{"optional": "yes"}, {"optional": True, "default": 1}])
def test_optional_is_true_or_false_and_has_no_default(more: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="no default, if runs may leave it out"):
        declare_all({"x": {"type": "int", **more}})
