import pytest

from experiments.search.space import (
    MAX_SETS,
    Parameter,
    check_value,
    complete,
    declare,
    expand_grid,
    parse_values,
)
from mlplatform.kernel.errors import InvalidInput

LR = declare("lr", {"type": "float", "default": 0.01, "min": 0.0001, "max": 1, "help": "Learning rate."})
EPOCHS = declare("epochs", {"type": "int", "default": 3, "min": 1})
OPTIMIZER = declare("optimizer", {"type": "categorical", "choices": ["adam", "sgd"], "default": "adam"})
AUGMENT = declare("augment", {"type": "bool", "default": False})


@pytest.mark.parametrize(
    ("declaration", "words"),
    [
        ("0.1", "mapping"),
        ({"type": "double"}, "'double'"),
        ({"type": "float", "minimum": 0}, "minimum"),
        ({"type": "categorical"}, "choices"),
        ({"type": "categorical", "choices": "ab"}, "not a list"),
        ({"type": "float", "min": "low"}, "'low'"),
        ({"type": "float", "min": float("-inf")}, "finite"),
        ({"type": "float", "log": "yes"}, "'yes'"),
        ({"type": "float", "help": ["x"]}, "not a text"),
        ({"type": "categorical", "choices": [[1]]}, "number, a text"),
        ({"type": "categorical", "choices": [float("nan")]}, "finite"),
        ({"type": "str", "default": "a\x00"}, "NUL"),
        ({"type": "int", "default": 10**400}, "2^53"),
        ({"type": "int", "default": 1.5}, "whole number"),
        ({"type": "float", "default": 2, "max": 1}, "largest"),
    ],
)
def test_a_wrong_declaration_names_the_parameter_and_the_problem(declaration: object, words: str) -> None:
    with pytest.raises(InvalidInput, match="lr") as caught:
        declare("lr", declaration)
    assert words in caught.value.message


def test_declarations_survive_json() -> None:
    dropout = Parameter("dropout", "float", default=0.0, min=0.0, max=0)
    for parameter in (LR, EPOCHS, OPTIMIZER, AUGMENT, dropout):
        assert declare(parameter.name, parameter.to_json()) == parameter


def test_a_default_gets_the_declared_type() -> None:
    assert declare("lr", {"type": "float", "default": "1e-3", "min": "1e-5"}).default == 0.001
    assert declare("n", {"type": "int", "default": "5"}).default == 5
    assert declare("b", {"type": "bool", "default": "false"}).default is False


def test_a_false_default_is_a_default() -> None:
    assert not AUGMENT.required
    assert AUGMENT.to_json()["default"] is False


@pytest.mark.parametrize(
    ("parameter", "value", "typed"),
    [
        (LR, "0.5", 0.5),
        (LR, 1, 1.0),
        (LR, "1e-3", 0.001),
        (EPOCHS, "4", 4),
        (EPOCHS, 4.0, 4),
        (OPTIMIZER, " sgd ", "sgd"),
        (AUGMENT, "true", True),
        (AUGMENT, "off", False),
        (Parameter("x", "categorical", choices=(1, 2)), "2", 2),
        (Parameter("x", "auto"), "3", 3),
        (Parameter("x", "auto"), "0.5", 0.5),
        (Parameter("x", "auto"), "True", True),
        (Parameter("x", "auto"), "relu", "relu"),
        (Parameter("x", "auto"), 7, 7),
        (Parameter("x", "str"), 7, "7"),
    ],
)
def test_values_become_typed(parameter: Parameter, value: object, typed: object) -> None:
    result = check_value(parameter, value)
    assert result == typed
    assert type(result) is type(typed)


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        (LR, "fast", "'fast'"),
        (LR, "nan", "finite"),
        (LR, 10**400, "2^53"),
        (LR, {"a": 1}, "it must be a number"),
        (EPOCHS, "9" * 400, "finite"),
        (Parameter("x", "auto"), "9" * 400, "2^53"),
        (Parameter("x", "auto"), 10**1000, "2^53"),
        (Parameter("x", "str"), "a\x00b", "NUL"),
        (Parameter("x", "str"), "\ud800", "surrogate"),
        (Parameter("x", "str"), "x" * 1001, "1001 characters"),
        (Parameter("x", "str"), None, "it must be a number"),
        (LR, "1e999", "finite"),
        (LR, 2, "largest allowed value is 1"),
        (LR, 0, "smallest allowed value is 0.0001"),
        (EPOCHS, "2.5", "whole number"),
        (EPOCHS, True, "not a number"),
        (EPOCHS, "inf", "finite"),
        (OPTIMIZER, "lion", "adam, sgd"),
        (AUGMENT, "maybe", "true or false"),
    ],
)
def test_a_value_outside_the_declaration_is_refused_by_name(
    parameter: Parameter, value: object, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_value(parameter, value)
    assert caught.value.field == parameter.name
    assert words in caught.value.message


def test_comma_separated_text_is_a_list_without_repeats() -> None:
    assert parse_values(LR, "0.1, 0.2,0.1") == [0.1, 0.2]
    assert parse_values(LR, "  ") == [0.01]
    with pytest.raises(InvalidInput, match="needs a value"):
        parse_values(Parameter("x", "float"), "")


def test_a_set_is_completed_from_defaults() -> None:
    declared = {p.name: p for p in (LR, EPOCHS, OPTIMIZER)}
    assert complete(declared, {"lr": "0.3"}) == {"lr": 0.3, "epochs": 3, "optimizer": "adam"}
    with pytest.raises(InvalidInput, match="no parameter rate; declared are: lr, epochs, optimizer"):
        complete(declared, {"rate": 1})
    with pytest.raises(InvalidInput, match="x has no default"):
        complete({"x": Parameter("x", "float")}, {})


def test_a_grid_is_every_combination_last_name_fastest() -> None:
    assert expand_grid({"a": [1, 2], "b": ["x", "y"]}) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]
    with pytest.raises(InvalidInput, match=str(MAX_SETS + 1)):
        expand_grid({"a": list(range(MAX_SETS + 1))})
