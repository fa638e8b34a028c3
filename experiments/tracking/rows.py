"""Rows of MLflow's log-batch request, and batches that keep its limits."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from experiments.tracking import names
from experiments.tracking.port import Point

METRICS_PER_BATCH = 1000
PAIRS_PER_BATCH = 100
# MLflow takes 1 MB; the rest is room for braces and escapes.
BYTES_PER_BATCH = 800_000

# Year 9999, in unix seconds.
_LATEST = 253_402_300_800

Row = dict[str, Any]


def metric(key: str, point: Point) -> Row:
    """One point; JSON has no NaN and no infinity, so these go as words."""
    value: float | str = point.value
    if not math.isfinite(point.value):
        value = "NaN" if math.isnan(point.value) else "Infinity" if point.value > 0 else "-Infinity"
    return {"key": key, "value": value, "timestamp": _milliseconds(point.time), "step": point.step}


def _milliseconds(seconds: float) -> int:
    """MLflow takes no negative times; a clock of user code may say anything."""
    return round(seconds * 1000) if 0 <= seconds < _LATEST else 0


def tags(values: Mapping[str, str]) -> list[Row]:
    """Tags with keys and values that MLflow accepts."""
    keys = names.keys(values)
    return [
        {"key": keys[name], "value": names.cut(text, names.MAX_TAG_VALUE)} for name, text in values.items()
    ]


def params(values: Mapping[str, object]) -> list[Row]:
    """Parameters with keys and values that MLflow accepts."""
    keys = names.keys(values)
    return [{"key": keys[name], "value": names.param_value(value)} for name, value in values.items()]


def batches(rows: Iterable[Row], limit: int) -> Iterator[list[Row]]:
    """Lists of at most `limit` rows and BYTES_PER_BATCH bytes; a row never exceeds that alone."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        # A character takes four bytes at worst; numbers and punctuation of a row less than 100.
        row_size = 100 + 4 * (len(row["key"]) + len(str(row["value"])))
        if batch and (len(batch) == limit or size + row_size > BYTES_PER_BATCH):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += row_size
    if batch:
        yield batch
