import math

import pytest

from experiments.search.domains import Domain, domain
from experiments.search.parameters import Parameter
from mlplatform.kernel.errors import InvalidInput
from tests.experiments.search.spaces import DECLARED


def parse(name: str, content: object) -> Domain:
    return domain(DECLARED[name], content, f"search.space.{name}")


@pytest.mark.parametrize(
    ("name", "content", "field", "words"),
    [
        ("lr", {"min": 1e-6}, "lr.min", "smallest allowed value is 1e-05"),
        ("lr", {"max": 2}, "lr.max", "largest allowed value is 1"),
        ("lr", {"max": "many"}, "lr.max", "'many'"),
        ("lr", {"min": 0.1, "max": 0.01}, "lr.min", "is 0.1 and the max 0.01"),
        ("lr", {"min": 0.1, "max": 0.1}, "lr.min", "one value to fix"),
        ("lr", {"low": 1}, "lr", "unknown key low; did you mean log? known are min, max, step, log"),
        ("lr", {"log": 1}, "lr.log", "is 1; write true or false"),
        ("lr", {"step": 0.1}, "lr.step", "both log and a step"),
        ("lr", {"step": 2, "log": False}, "lr.step", "make it smaller"),
        ("lr", [], "lr", "at least one value"),
        ("lr", [0.1, 2], "lr", "largest allowed value is 1"),
        ("lr", None, "lr", "is None"),
        ("dropout", {"log": True}, "dropout.min", "needs a min above 0"),
        ("dropout", {"step": "x"}, "dropout.step", "'x'"),
        ("dropout", {"step": 1e-17}, "dropout.step", "more than 2^53 values"),
        ("width", {"min": 12}, "width.min", "nearest allowed are 8 and 16"),
        ("width", {"step": 12}, "width.step", "multiple of the declared step, 8"),
        ("width", {"log": True}, "width.step", "both log and a step"),
        ("layers", {"min": 1.5}, "layers.min", "not a whole number"),
        ("layers", {"step": 0.5}, "layers.step", "whole number"),
        ("optimizer", {"min": 1}, "optimizer", "categorical has none"),
        ("optimizer", ["lion"], "optimizer", "choose one of adam, sgd"),
        ("optimizer", "lion", "optimizer", "choose one of adam, sgd"),
        ("name", {}, "name", "declares no choices"),
        ("data", "letters", "data", "always digits"),
        ("read", {"min": 0, "max": 1}, "read", "add type: float or int"),
        ("read", {"type": "int", "min": 0, "max": 1, "low": 1}, "read", "unknown key low"),
        ("read", {"type": "int", "max": 1}, "read.min", "is missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(name: str, content: object, field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(name, content)
    assert caught.value.field == f"search.space.{field}"
    assert words in caught.value.message
    assert caught.value.message.startswith(caught.value.field)


@pytest.mark.parametrize(
    ("name", "content", "written"),
    [
        ("lr", {}, {"min": 1e-5, "max": 1, "log": True}),
        ("lr", {"min": "1e-3", "log": False}, {"min": 1e-3, "max": 1, "log": False}),
        ("width", {}, {"min": 8, "max": 128, "step": 8, "log": False}),
        ("width", {"min": 16, "max": 70, "step": 16}, {"min": 16, "max": 70, "step": 16, "log": False}),
        ("optimizer", {}, ["adam", "sgd"]),
        ("optimizer", ["sgd", "sgd"], ["sgd"]),
        ("optimizer", "sgd", "sgd"),
        ("augment", {}, [False, True]),
        ("data", {}, ["digits"]),
        ("layers", 3, 3),
        ("read", {"type": "int", "min": 0, "max": 3}, {"type": "int", "min": 0, "max": 3, "log": False}),
        ("read", [1, 0.5, "x"], [1, 0.5, "x"]),
    ],
)
def test_what_the_declaration_adds_is_written_out(name: str, content: object, written: object) -> None:
    made = parse(name, content)
    assert made.to_json() == written
    assert parse(name, made.to_json()) == made


def test_declared_bounds_of_whole_numbers_are_rounded_inwards() -> None:
    made = domain(Parameter("n", "int", min=0.5, max=3.5), {}, "n")
    assert made.values() == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "content", "values"),
    [
        ("width", {"min": 16, "max": 70, "step": 16}, [16, 32, 48, 64]),
        ("dropout", {"max": 0.3, "step": 0.1}, [0.0, 0.1, 0.2, 0.3]),
        ("layers", {"max": 4}, [1, 2, 3, 4]),
        ("layers", {"max": 4, "log": True}, [1, 2, 3, 4]),
        ("optimizer", {}, ["adam", "sgd"]),
        ("lr", 0.1, [0.1]),
    ],
)
def test_a_finite_domain_lists_and_draws_its_values(name: str, content: object, values: list[object]) -> None:
    made = parse(name, content)
    assert made.values() == values
    assert made.count == len(values)
    drawn = [made.at(index / 1000) for index in range(1001)]
    assert list(dict.fromkeys(drawn)) == values
    assert all(made.holds(value) for value in drawn)
    assert (made.at(0.0), made.at(1.0)) == (values[0], values[-1])


def test_a_range_of_any_number_is_not_finite_and_drawn_evenly_on_its_scale() -> None:
    lr, dropout = parse("lr", {"min": 1e-4, "max": 0.01}), parse("dropout", {})
    assert lr.count is None
    assert lr.at(0.5) == pytest.approx(1e-3)
    assert dropout.at(0.5) == pytest.approx(0.45)
    assert (lr.at(0.0), lr.at(1.0)) == pytest.approx((1e-4, 0.01))
    with pytest.raises(InvalidInput, match=r"x\.min is -1.7e\+308; a search goes to ±1e\+100"):
        domain(Parameter("x", "float"), {"min": -1.7e308, "max": 1.7e308}, "x")


def test_whole_numbers_on_a_log_scale_are_all_reached() -> None:
    layers = parse("layers", {"log": True})
    shares = [layers.at((index + 0.5) / 10_000) for index in range(10_000)]
    assert set(shares) == set(range(1, 10))
    assert shares.count(1) / 10_000 == pytest.approx(math.log(1.5 / 0.5) / math.log(9.5 / 0.5), abs=0.001)


@pytest.mark.parametrize(
    ("name", "content"),
    [("lr", {}), ("width", {}), ("layers", {"log": True}), ("layers", {}), ("dropout", {})],
)
def test_a_position_leads_back_to_its_value(name: str, content: object) -> None:
    made = parse(name, content)
    for index in range(100):
        value = made.at(index / 99)
        assert isinstance(value, float | int)
        assert made.at(made.position(value)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "content", "value", "holds"),
    [
        ("lr", {"min": 0.1}, 0.5, True),
        ("lr", {"min": 0.1}, 0.05, False),
        ("lr", {"min": 0.1}, "0.5", False),
        ("lr", {"min": 0.1}, True, False),
        ("width", {"step": 16}, 24, True),
        ("width", {"step": 16}, 32, False),
        ("optimizer", ["sgd"], "adam", False),
        ("optimizer", ["sgd"], None, False),
    ],
)
def test_which_values_a_domain_holds(name: str, content: object, value: object, holds: bool) -> None:
    assert parse(name, content).holds(value) is holds  # type: ignore[arg-type]
