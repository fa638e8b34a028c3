from collections.abc import Mapping

import pytest

from experiments.search.conditions import (
    MAX_PARAMETERS,
    applies,
    declare_all,
    in_words,
    parents_first,
)
from experiments.search.parameters import Condition
from mlplatform.kernel.errors import InvalidInput

DECLARED = declare_all(
    {
        "nesterov": {"type": "bool", "default": False, "when": {"momentum": [0.9, "0.99"]}},
        "momentum": {"type": "float", "default": 0.9, "when": {"optimizer": "sgd"}},
        "optimizer": {"type": "categorical", "choices": ["adam", "sgd"], "default": "adam"},
        "lr": {"type": "float", "default": 0.1},
    }
)


def test_conditions_get_the_type_of_the_parent() -> None:
    assert DECLARED["nesterov"].when == (Condition("momentum", (0.9, 0.99)),)


def test_parents_come_first_and_the_rest_in_order() -> None:
    assert parents_first(DECLARED) == ["optimizer", "lr", "momentum", "nesterov"]
    assert parents_first({"momentum": DECLARED["momentum"]}) == ["momentum"]


def test_a_parameter_applies_where_its_parent_has_the_value() -> None:
    assert applies(DECLARED["lr"], {})
    assert applies(DECLARED["momentum"], {"optimizer": "sgd"})
    assert not applies(DECLARED["momentum"], {"optimizer": "adam"})
    assert not applies(DECLARED["nesterov"], {"optimizer": "adam"})


def test_conditions_in_words() -> None:
    two = declare_all({**{name: p.to_json() for name, p in DECLARED.items()}, "b": {"type": "bool"}})
    both = declare_all(
        {**{n: p.to_json() for n, p in two.items()}, "x": {"type": "int", "when": {"b": True, "lr": [1, 2]}}}
    )
    assert in_words(both["x"]) == "b is true and lr is 1.0 or 2.0"
    assert in_words(DECLARED["lr"]) == ""


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"x": 1}, "Parameter x has a condition on itself"),
        ({"width": 1}, "'width', which is not declared"),
        ({"optimizer": "lion"}, "never holds: optimizer is 'lion'; choose one of adam, sgd"),
        ({"y": True}, "Parameter x depends on itself through its conditions (x → y → x)"),
    ],
)
def test_a_condition_that_cannot_work_is_refused(when: Mapping[str, object], words: str) -> None:
    declarations = {
        "x": {"type": "int", "when": when},
        "y": {"type": "bool", "when": {"x": 1}},
        "optimizer": {"type": "categorical", "choices": ["adam", "sgd"]},
    }
    with pytest.raises(InvalidInput) as caught:
        declare_all(declarations)
    assert words in caught.value.message
    assert caught.value.field == "x"


def test_not_more_parameters_than_a_form_can_show() -> None:
    many = {f"p{number}": {"type": "int"} for number in range(MAX_PARAMETERS + 1)}
    with pytest.raises(InvalidInput, match="501 parameters"):
        declare_all(many)
