"""The ledger as a file: one row for each part of a day that an allocation held something."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from mlplatform.kernel.errors import InvalidInput
from runners.models import UsageSlice

COLUMNS = (
    "allocation", "owner", "project_id", "project", "user_id", "user", "backend", "from", "to", "seconds", "cpus",
    "gpus", "memory_gib", "cpu_hours", "gpu_hours",
)  # fmt: skip
ROWS_AT_A_TIME = 2000
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
HOUR = 3600


def ledger_file(rows: Iterator[UsageSlice], kind: str) -> Iterator[bytes]:
    """In parts. Raises InvalidInput for a kind that there is not, before anything is read."""
    if kind not in CONTENT_TYPES:
        words = f"There is no export as {kind[:40]!r}; take {' or '.join(CONTENT_TYPES)}."
        raise InvalidInput(words, field="format")
    writers: dict[str, Callable[[Iterator[UsageSlice]], Iterator[bytes]]] = {"csv": _csv, "jsonl": _jsonl}
    return writers[kind](rows)


def values(row: UsageSlice) -> list[Any]:
    """In the order of COLUMNS."""
    hours = row.seconds / HOUR
    return [
        str(row.allocation_id),
        str(row.owner_id),
        str(row.project_id) if row.project_id else None,
        row.project_name,
        row.user_id,
        row.user_name,
        row.backend,
        row.begun_at.isoformat(),
        row.ended_at.isoformat(),
        row.seconds,
        row.cpus,
        row.gpus,
        row.memory,
        row.cpus * hours,
        row.gpus * hours,
    ]


def _csv(rows: Iterator[UsageSlice]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for number, row in enumerate(rows, 1):
        writer.writerow([_harmless(value) for value in values(row)])
        if not number % ROWS_AT_A_TIME:
            yield _taken(text)
    yield _taken(text)


def _jsonl(rows: Iterator[UsageSlice]) -> Iterator[bytes]:
    for row in rows:
        yield f"{json.dumps(dict(zip(COLUMNS, values(row), strict=True)))}\n".encode()


def _harmless(value: Any) -> Any:
    """A spreadsheet would take a name that begins like this for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _taken(text: io.StringIO) -> bytes:
    found = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return found
