"""Points as files: CSV, JSON lines, Parquet. Pure: parts in, bytes out, as they come.

Each row is `run` (its number), `metric`, `step`, `value`, `time` (Unix seconds). Numbers are exact.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from experiments.points import Points
from mlplatform.kernel.errors import InvalidInput

COLUMNS = ("run", "metric", "step", "value", "time")
ROWS_PER_GROUP = 100_000


@dataclass(frozen=True)
class Part:
    """Some points of one metric of one run."""

    run: int
    metric: str
    points: Points

    def rows(self) -> Iterator[tuple[int, float, float]]:
        """Step, value and time of each."""
        points = self.points
        return zip(points.steps.tolist(), points.values.tolist(), points.times.tolist(), strict=True)


@dataclass(frozen=True)
class Format:
    """A kind of file."""

    content_type: str
    encode: Callable[[Iterable[Part]], Iterator[bytes]]


def format_named(kind: str) -> Format:
    """The format of this file name ending. Raises InvalidInput."""
    if kind not in FORMATS:
        raise InvalidInput(f"There is no export as {kind[:40]!r}; take {', '.join(FORMATS)}.", field="format")
    if kind == "parquet" and find_spec("pyarrow") is None:
        raise InvalidInput(
            "Parquet needs the package pyarrow, which this portal does not have: install mlplatform[parquet], or "
            "export as csv.",
            field="format",
        )
    return FORMATS[kind]


def _csv(parts: Iterable[Part]) -> Iterator[bytes]:
    yield (",".join(COLUMNS) + "\n").encode()
    for part in parts:
        start = io.StringIO()
        csv.writer(start, lineterminator=",").writerow([part.run, part.metric])
        prefix = start.getvalue()
        yield "".join(f"{prefix}{step},{value!r},{time!r}\n" for step, value, time in part.rows()).encode()


def _json_lines(parts: Iterable[Part]) -> Iterator[bytes]:
    for part in parts:
        prefix = f'{{"run": {part.run}, "metric": {json.dumps(part.metric)}, "step": '
        yield "".join(
            f'{prefix}{step}, "value": {_json_number(value)}, "time": {time!r}}}\n'
            for step, value, time in part.rows()
        ).encode()


def _json_number(value: float) -> str:
    """JSON has no NaN and no infinity: they are told as text, as everywhere."""
    return repr(value) if math.isfinite(value) else f'"{value}"'


def _parquet(parts: Iterable[Part]) -> Iterator[bytes]:
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    kinds = (
        arrow.int32(),
        arrow.dictionary(arrow.int32(), arrow.string()),
        arrow.int64(),
        *[arrow.float64()] * 2,
    )
    schema = arrow.schema(list(zip(COLUMNS, kinds, strict=True)))
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema) as writer:
        for group in _groups(parts):
            writer.write_table(
                arrow.concat_tables(_table(arrow, schema, part) for part in group).combine_chunks()
            )
            yield sink.taken()
    yield sink.taken()


def _table(arrow: Any, schema: Any, part: Part) -> Any:
    size, points = len(part.points), part.points
    metric = arrow.DictionaryArray.from_arrays(
        arrow.repeat(arrow.scalar(0, arrow.int32()), size), [part.metric]
    )
    run = arrow.repeat(arrow.scalar(part.run, arrow.int32()), size)
    return arrow.Table.from_arrays([run, metric, points.steps, points.values, points.times], schema=schema)


def _groups(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Parquet reads large groups of rows better than small ones."""
    group: list[Part] = []
    for part in parts:
        group.append(part)
        if sum(len(one.points) for one in group) >= ROWS_PER_GROUP:
            yield group
            group = []
    if group:
        yield group


class _Sink(io.RawIOBase):
    """A file that hands on what is written to it."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._written = 0

    def writable(self) -> bool:
        """See io."""
        return True

    def tell(self) -> int:
        """See io."""
        return self._written

    def write(self, data: Any) -> int:
        """See io."""
        self._buffer += data
        self._written += len(data)
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last call."""
        found = bytes(self._buffer)
        self._buffer.clear()
        return found


FORMATS = {
    "csv": Format("text/csv; charset=utf-8", _csv),
    "jsonl": Format("application/x-ndjson", _json_lines),
    "parquet": Format("application/vnd.apache.parquet", _parquet),
}
