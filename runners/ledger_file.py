"""The ledger as a file: one row for each part of a day that an allocation held something."""

from collections.abc import Iterator
from typing import Any

from mlplatform.http.rows import rows_file
from runners.models import UsageSlice

COLUMNS = (
    "allocation", "owner", "project_id", "project", "user_id", "user", "backend", "from", "to", "seconds", "cpus",
    "gpus", "memory_gib", "cpu_hours", "gpu_hours",
)  # fmt: skip
HOUR = 3600


def ledger_file(rows: Iterator[UsageSlice], kind: str) -> Iterator[bytes]:
    """In parts. Raises InvalidInput for a kind that there is not, before anything is read."""
    return rows_file(COLUMNS, (values(row) for row in rows), kind)


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
