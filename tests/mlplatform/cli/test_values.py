import argparse
from typing import Any

import pytest

from mlplatform.cli import values
from mlplatform.cli.errors import UsageError


def read(*words: str) -> values.Values:
    parser = argparse.ArgumentParser(exit_on_error=False)
    values.add_set(parser)
    return values.values(parser.parse_args([part for word in words for part in ("--set", word)]).sets)


def test_lists_multiply_to_a_grid_the_last_name_fastest() -> None:
    assert values.grid(read("lr=0.1, 0.01", "optimizer=adam,sgd", "epochs=5")) == [
        {"lr": "0.1", "optimizer": "adam", "epochs": "5"},
        {"lr": "0.1", "optimizer": "sgd", "epochs": "5"},
        {"lr": "0.01", "optimizer": "adam", "epochs": "5"},
        {"lr": "0.01", "optimizer": "sgd", "epochs": "5"},
    ]
    assert values.grid({}) == [{}]


def test_a_name_that_comes_again_adds_values() -> None:
    assert read("lr=0.1", "lr=0.01") == {"lr": ["0.1", "0.01"]}
    with pytest.raises(UsageError, match="lr is set twice"):
        read("lr=0.1", "lr=..")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", "5"),
        ("adam,sgd", ["adam", "sgd"]),
        ("..", {}),
        ("1e-4..0.1", {"min": 1e-4, "max": 0.1}),
        ("-1..1", {"min": -1, "max": 1}),
        ("1e-4..0.1:log", {"min": 1e-4, "max": 0.1, "log": True}),
        ("16..64:16", {"min": 16, "max": 64, "step": 16}),
        ('["a,b", "1..2"]', ["a,b", "1..2"]),
        ("../data", "../data"),
        ("", ""),
        ("a=b", "a=b"),
    ],
)
def test_what_a_search_gets(text: str, expected: Any) -> None:
    assert values.space(read(f"x={text}")) == {"x": expected}


def test_a_range_is_nothing_to_list() -> None:
    with pytest.raises(UsageError, match="lr is a range"):
        values.grid(read("lr=1..2"))


def test_a_grid_that_is_too_large_is_not_built() -> None:
    many = ",".join(map(str, range(40)))
    with pytest.raises(UsageError, match="1,600 combinations"):
        values.grid(read(f"a={many}", f"b={many}"))


@pytest.mark.parametrize("word", ["lr", "=1", "x=[1", "x=[]"])
def test_what_sets_nothing_is_refused(word: str) -> None:
    with pytest.raises(argparse.ArgumentError):
        read(word)


def test_pruners() -> None:
    assert values.pruner("asha") == {"method": "asha"}
    assert values.pruner("asha:min_steps=2,reduction=4") == {"method": "asha", "min_steps": 2, "reduction": 4}
    with pytest.raises(argparse.ArgumentTypeError, match="min_steps"):
        values.pruner("asha:min_steps")


def test_a_set_in_one_line() -> None:
    assert values.shown({"lr": 0.001, "n": 3, "on": True, "opt": "adam"}) == "lr=0.001 n=3 on=true opt=adam"
