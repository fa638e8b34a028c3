from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.search.domains import domain
from experiments.search.parameters import Parameter
from experiments.search.text import listed, parse, text_of
from mlplatform.kernel.errors import InvalidInput

LR = Parameter("lr", "float", 0.01, min=1e-5, max=1.0, log=True)
WIDTH = Parameter("width", "int", 32, min=8, max=128, step=8)
FREE = Parameter("free", "auto")
NAME = Parameter("name", "str", "cnn")
OPEN = Parameter("open", "float")


@pytest.mark.parametrize(
    ("parameter", "text", "entry"),
    [
        (LR, "", None),
        (LR, "0.1", 0.1),
        (LR, "0.1, 0.2,0.1", [0.1, 0.2]),
        (LR, "0.0001..0.1", {"min": 0.0001, "max": 0.1}),
        (LR, "0.0001 .. 0.1 log", {"min": 0.0001, "max": 0.1, "log": True}),
        (LR, "1e-4..1e-1 linear", {"min": 0.0001, "max": 0.1, "log": False}),
        (LR, "..", {}),
        (LR, "..0.1", {"max": 0.1}),
        (LR, "0.1..", {"min": 0.1}),
        (LR, ".. log", {"log": True}),
        (WIDTH, "16..64 step 16", {"min": 16, "max": 64, "step": 16}),
        (WIDTH, "16", 16),
        (OPEN, "-1...5", {"min": -1.0, "max": 0.5}),
        (FREE, "1..5", {"type": "int", "min": 1, "max": 5}),
        (FREE, "1..5 step 0.5", {"type": "float", "min": 1, "max": 5, "step": 0.5}),
        (FREE, "../data", "../data"),
        (FREE, "a..b", "a..b"),
        (FREE, "2, x, true", [2, "x", True]),
        (NAME, "0..1", "0..1"),
        (NAME, '"a, b", c', ["a, b", "c"]),
    ],
)
def test_what_a_text_means(parameter: Parameter, text: str, entry: Any) -> None:
    found = parse(parameter, text)
    assert found == entry
    assert type(found) is type(entry)


@pytest.mark.parametrize(
    ("parameter", "text", "words"),
    [
        (LR, "0.1..x", "'x', which is not a number; write a range such as"),
        (LR, "a..0.1", "'a', which is not a number; write a range such as"),
        (LR, "0.1..0.2 step", "no number follows step"),
        (LR, "0.1..0.2 quickly", "unknown word 'quickly'; write a range such as"),
        (LR, "0.1..0.2, 0.3", "write a range such as"),
        (LR, "2", "the largest allowed value is 1"),
        (LR, "nan..1", "finite number"),
        (FREE, "0.01..x", "'x', which is not a number; write a range such as"),
        (WIDTH, "16..20.5", "20.5 is not a whole number"),
        (WIDTH, "16, 17", "the nearest allowed are 16 and 24"),
    ],
)
def test_what_is_wrong_is_said_with_the_remedy(parameter: Parameter, text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(parameter, text)
    assert words in caught.value.message
    assert caught.value.message.startswith(f"Parameter {parameter.name} ")
    assert caught.value.field == parameter.name


@pytest.mark.parametrize(
    ("parameter", "entry", "text"),
    [
        (LR, 0.01, "0.01"),
        (LR, {"min": 0.0001, "max": 0.1, "log": True}, "0.0001..0.1 log"),
        (LR, {"min": 0.0001, "max": 0.1, "log": False}, "0.0001..0.1 linear"),
        (OPEN, {"min": 1.0, "max": 5.5, "log": False}, "1..5.5"),
        (WIDTH, {"min": 16, "max": 64, "step": 16, "log": False}, "16..64 step 16"),
        (WIDTH, [16, 32], "16, 32"),
        (WIDTH, {}, ".."),
        (FREE, 5.0, "5.0"),
        (FREE, {"type": "float", "min": 1, "max": 2, "log": False}, "1.0..2.0"),
        (NAME, ["a, b", 'say "x"', "c"], '"a, b", "say ""x""", c'),
    ],
)
def test_how_an_entry_is_written(parameter: Parameter, entry: Any, text: str) -> None:
    assert text_of(parameter, entry) == text


finite = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(-(2**53), 2**53)


@given(st.lists(finite, min_size=1, unique=True))
def test_numbers_survive_being_written(values: list[float]) -> None:
    entry = values if len(values) > 1 else values[0]
    assert parse(OPEN, text_of(OPEN, entry)) == entry


@given(low=finite, high=finite, step=st.none() | finite, log=st.none() | st.booleans())
def test_ranges_survive_being_written(low: float, high: float, step: float | None, log: bool | None) -> None:
    entry = {"min": low, "max": high, "step": step, "log": log}
    given = {key: value for key, value in entry.items() if value is not None}
    for parameter in (OPEN, LR):
        found = parse(parameter, text_of(parameter, given))
        # A scale that is the declared one need not be said.
        assert {"log": parameter.log, **found} == {"log": parameter.log, **given}


@given(low=whole, high=whole)
def test_a_range_means_the_same_in_both_forms(low: int, high: int) -> None:
    for parameter in (FREE, Parameter("n", "int")):
        kind = {"type": "int"} if parameter is FREE else {}
        try:
            made = domain(parameter, {**kind, "min": low, "max": high}, "x")
        except InvalidInput:
            continue
        assert domain(parameter, parse(parameter, text_of(parameter, made.to_json())), "x") == made


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), min_size=1)))
def test_texts_survive_being_written(texts: list[str]) -> None:
    values = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    assert listed(text_of(NAME, values)) == values


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for parameter in (LR, WIDTH, FREE, NAME):
        with suppress(InvalidInput):
            parse(parameter, text)
