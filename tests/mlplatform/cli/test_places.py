import argparse

import pytest

from mlplatform.cli.places import Place, number, numbers, place

ID = "0b1d2c3e-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vision/digits", Place("vision", "digits")),
        ("vision/digits/3", Place("vision", "digits", number=3)),
        ("http://127.0.0.1:8000/p/vision/e/digits/", Place("vision", "digits")),
        ("https://ml.example.org/p/vision/e/digits/r/12/?tab=log#end", Place("vision", "digits", number=12)),
        ("https://ml.example.org/p/vision/e/digits/?sort=-number", Place("vision", "digits")),
        (ID, Place(id=ID)),
    ],
)
def test_how_an_experiment_is_named(text: str, expected: Place) -> None:
    assert place(text) == expected


@pytest.mark.parametrize("text", ["digits", "a/b/c", "a/b/", "", "a b/c", "https://ml.example.org/p/vision/"])
def test_what_names_no_experiment(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="names no experiment"):
        place(text)


def test_numbers_of_runs() -> None:
    assert (numbers("3"), numbers("3-5")) == ([3], [3, 4, 5])
    assert number("7") == 7


@pytest.mark.parametrize("text", ["0", "x", "5-3", "-1", "1-", "9999999"])
def test_what_is_no_run(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        numbers(text)


def test_a_range_is_not_one_run() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="more than one"):
        number("1-2")
