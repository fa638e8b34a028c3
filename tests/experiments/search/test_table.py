from typing import Any

import pytest

from experiments.search.conditions import declare_all
from experiments.search.space import complete
from experiments.search.table import read_table, write_table

PARAMETERS = declare_all(
    {
        "lr": {"type": "float", "default": 0.01},
        "name": {"type": "str", "default": "a"},
        "flag": {"type": "bool", "default": False},
        "momentum": {"type": "float", "default": 0.9, "when": {"flag": True}},
    }
)


@pytest.mark.parametrize(
    "sets",
    [
        [{"lr": 0.1}],
        [{"lr": 1e-7, "name": 'a, "b"'}, {"flag": True, "momentum": 0.1}, {}],
        [{"name": "x"}, {"flag": True}],
    ],
)
def test_what_is_written_is_read_again(sets: list[dict[str, Any]]) -> None:
    whole = [complete(PARAMETERS, each) for each in sets]
    assert read_table(write_table(whole, PARAMETERS), PARAMETERS) == whole


def test_nothing_is_nothing() -> None:
    assert read_table(" \n\n", PARAMETERS) == []
    assert write_table([], PARAMETERS) == ""
