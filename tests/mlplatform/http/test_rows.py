import json
from collections.abc import Iterator

import pytest

from mlplatform.http import rows as module
from mlplatform.http.rows import rows_file
from mlplatform.kernel.errors import InvalidInput


def test_no_spreadsheet_takes_a_text_for_a_formula() -> None:
    told = b"".join(rows_file(["a", "b"], [["=1", -1], ["@x", None], [{"c": 1}, [2]]], "csv")).decode()
    assert told.splitlines() == ["a,b", "'=1,-1", "'@x,", '"{""c"": 1}",[2]']


def test_json_lines() -> None:
    told = b"".join(rows_file(["a", "b"], [["=1", {"c": None}]], "jsonl"))
    assert json.loads(told) == {"a": "=1", "b": {"c": None}}


def test_rows_come_while_they_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_AT_A_TIME", 2)
    asked: list[int] = []

    def rows() -> Iterator[list[int]]:
        for number in range(5):
            asked.append(number)
            yield [number]

    parts = rows_file(["a"], rows(), "csv")
    assert (next(parts), asked) == (b"a\r\n0\r\n1\r\n", [0, 1])
    assert b"".join(parts) == b"2\r\n3\r\n4\r\n"


def test_a_kind_that_there_is_not() -> None:
    with pytest.raises(InvalidInput, match="take csv or jsonl"):
        rows_file([], [], "xml")
