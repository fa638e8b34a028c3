"""Rows as a file that is made while it is sent: CSV or JSON lines."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mlplatform.kernel.errors import InvalidInput

ROWS_AT_A_TIME = 2000
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


def rows_file(columns: Sequence[str], rows: Iterable[Sequence[Any]], kind: str) -> Iterator[bytes]:
    """In parts. Raises InvalidInput for a kind that there is not, before anything is read."""
    if kind not in CONTENT_TYPES:
        words = f"There is no export as {kind[:40]!r}; take {' or '.join(CONTENT_TYPES)}."
        raise InvalidInput(words, field="format")
    return _csv(columns, rows) if kind == "csv" else _jsonl(columns, rows)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(value) for value in row])
        if not number % ROWS_AT_A_TIME:
            yield _taken(text)
    yield _taken(text)


def _jsonl(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    for row in rows:
        yield f"{json.dumps(dict(zip(columns, row, strict=True)))}\n".encode()


def _cell(value: Any) -> Any:
    """A spreadsheet would take a text that begins like these for a formula."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _taken(text: io.StringIO) -> bytes:
    found = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return found
