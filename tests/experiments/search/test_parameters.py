import pytest

from experiments.search.declarations import declare
from experiments.search.parameters import Condition, Parameter, check_value
from mlplatform.kernel.errors import InvalidInput

LR = declare("lr", {"type": "float", "default": 0.01, "min": 0.0001, "max": 1, "help": "Learning rate."})
EPOCHS = declare("epochs", {"type": "int", "default": 3, "min": 1})
WIDTH = declare("width", {"type": "int", "min": 8, "max": 60, "step": 8, "default": 32})
RATE = declare("rate", {"type": "float", "min": 0, "max": 1, "step": 0.1})
ODD = declare("odd", {"type": "float", "step": 0.5})
OPTIMIZER = declare("optimizer", {"type": "categorical", "choices": ["adam", "sgd"], "default": "adam"})
AUGMENT = declare("augment", {"type": "bool", "default": False})
DATA = declare("data", {"type": "constant", "default": "digits", "help": "Which scans."})
MOMENTUM = declare(
    "momentum", {"type": "float", "default": 0.9, "when": {"optimizer": "sgd", "augment": [True]}}
)


@pytest.mark.parametrize(
    ("declaration", "words"),
    [
        ("0.1", "mapping"),
        ({"type": "double"}, "'double'"),
        ({"type": "float", "minimum": 0}, "minimum"),
        ({"type": "categorical"}, "choices"),
        ({"type": "categorical", "choices": "ab"}, "not a list"),
        ({"type": "float", "min": "low"}, "its min is 'low'"),
        ({"type": "float", "min": float("-inf")}, "finite"),
        ({"type": "float", "min": 2, "max": 1}, "min 2 above its max 1"),
        ({"type": "float", "log": "yes"}, "'yes'"),
        ({"type": "float", "log": True, "min": 0}, "min above 0"),
        ({"type": "float", "help": ["x"]}, "not a text"),
        ({"type": "float", "help": "a\x00"}, "its help contains a NUL"),
        ({"type": "categorical", "choices": [[1]]}, "number, a text"),
        ({"type": "categorical", "choices": [float("nan")]}, "finite"),
        ({"type": "str", "default": "a\x00"}, "NUL"),
        ({"type": "int", "default": 10**400}, "2^53"),
        ({"type": "int", "default": 1.5}, "whole number"),
        ({"type": "float", "default": 2, "max": 1}, "largest"),
        ({"type": "str", "step": 1}, "float or int"),
        ({"type": "float", "step": 0}, "above 0"),
        ({"type": "float", "step": 2.0**54}, "at most 2^53"),
        ({"type": "float", "step": "wide"}, "its step is 'wide'"),
        ({"type": "int", "step": 0.5}, "a whole number"),
        ({"type": "float", "step": 0.1, "log": True}, "both log and a step"),
        ({"type": "float", "step": 2, "min": 0, "max": 1}, "only 1 lies between"),
        ({"type": "int", "step": 8, "min": 8, "default": 20}, "nearest allowed are 16 and 24"),
        ({"type": "float", "when": "sgd"}, "write a mapping"),
        ({"type": "float", "when": {"optimizer": []}}, "without values"),
        ({"type": "float", "when": {"optimizer": [[]]}}, "its condition is []"),
        ({"type": "float", "when": {3.5: float("nan")}}, "finite"),
        ({"type": "constant"}, "without a default"),
        ({"type": "constant", "default": 1, "min": 0, "when": {"a": 1}}, "remove min, when"),
        ({"type": "constant", "default": [1]}, "its default is [1]"),
    ],
)
def test_a_wrong_declaration_names_the_parameter_and_the_problem(declaration: object, words: str) -> None:
    with pytest.raises(InvalidInput, match="Parameter lr ") as caught:
        declare("lr", declaration)
    assert words in caught.value.message
    assert caught.value.field == "lr"


def test_declarations_survive_json() -> None:
    dropout = Parameter("dropout", "float", default=0.0, min=0.0, max=0)
    for parameter in (LR, EPOCHS, WIDTH, RATE, OPTIMIZER, AUGMENT, DATA, MOMENTUM, dropout):
        assert declare(parameter.name, parameter.to_json()) == parameter


def test_a_condition_is_written_as_people_write_it() -> None:
    assert MOMENTUM.when == (Condition("augment", (True,)), Condition("optimizer", ("sgd",)))
    assert MOMENTUM.to_json()["when"] == {"optimizer": "sgd", "augment": True}
    several = declare("x", {"type": "int", "when": {"optimizer": ["sgd", "adam", "sgd"]}})
    assert several.to_json()["when"] == {"optimizer": ["sgd", "adam"]}


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
        (WIDTH, "16", 16),
        (RATE, 0.1 + 0.2, 0.3),
        (RATE, 1, 1.0),
        (ODD, -1.5, -1.5),
        (OPTIMIZER, " sgd ", "sgd"),
        (AUGMENT, "true", True),
        (AUGMENT, "off", False),
        (DATA, " digits ", "digits"),
        (Parameter("x", "constant", default=True), "true", True),
        (Parameter("x", "categorical", choices=(1, 2)), "2", 2),
        (Parameter("x", "categorical", choices=(True, False)), "false", False),
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
    assert check_value(parameter, result) == result


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
        (WIDTH, 20, "is 20; in steps of 8 from 8 the nearest allowed are 16 and 24"),
        (WIDTH, 59, "the nearest allowed are 56."),
        (RATE, 0.25, "0.2 and 0.3"),
        (ODD, -0.7, "from 0 the nearest allowed are -1 and -0.5"),
        # A max that is almost a point of the grid must not let the point beyond it through.
        (Parameter("x", "float", min=0, max=0.9999999999, step=1), 0.9999999999, "allowed are 0."),
        (OPTIMIZER, "lion", "adam, sgd"),
        (AUGMENT, "maybe", "true or false"),
        (DATA, "letters", "always digits"),
    ],
)
def test_a_value_outside_the_declaration_is_refused_by_name(
    parameter: Parameter, value: object, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_value(parameter, value)
    assert caught.value.field == parameter.name
    assert words in caught.value.message
