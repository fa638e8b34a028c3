"""Arrays of numbers between PostgreSQL and numpy, in PostgreSQL's binary format: no object per number.

Columns of the types `bigint[]` and `double precision[]` come and go as arrays of int64 and float64.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from struct import Struct
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.backends.postgresql.base import CursorDebugWrapper
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor, ServerCursor
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.postgres import types
from psycopg.pq import Format

Array = npt.NDArray[Any]
# Dimensions, whether there are nulls, type of the elements, how many, number of the first.
HEADER = Struct("!iiIii")
ROWS_AT_A_TIME = 16
# Whoever reads no further for so long is cut off: an open transaction keeps what others delete.
IDLE_LIMIT = "SET LOCAL idle_in_transaction_session_timeout = '60s'"


class IntegerLoader(Loader):
    """`bigint[]`. Each element comes with its size before it."""

    format = Format.BINARY
    sent = np.dtype([("size", ">i4"), ("value", ">i8")])
    kept: type[np.generic] = np.int64

    def load(self, data: Buffer) -> Array:
        """See psycopg. An empty array has no dimensions, and so ends early."""
        return np.frombuffer(data, self.sent, offset=min(len(data), HEADER.size))["value"].astype(self.kept)


class FloatLoader(IntegerLoader):
    """`double precision[]`."""

    sent = np.dtype([("size", ">i4"), ("value", ">f8")])
    kept = np.float64


class IntegerDumper(Dumper):
    """The way back of IntegerLoader."""

    format = Format.BINARY
    oid = types["int8"].array_oid
    element = types["int8"].oid
    sent = IntegerLoader.sent

    def dump(self, obj: Array) -> bytes:
        """See psycopg."""
        elements = np.empty(len(obj), self.sent)
        elements["size"], elements["value"] = 8, obj
        return HEADER.pack(1, 0, self.element, len(obj), 1) + elements.tobytes()


class FloatDumper(IntegerDumper):
    """The way back of FloatLoader."""

    oid = types["float8"].array_oid
    element = types["float8"].oid
    sent = FloatLoader.sent


def fetch(query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with _prepared(Cursor) as cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def stream(query: str, parameters: Mapping[str, Any]) -> Generator[tuple[Any, ...]]:
    """The rows of a query, a few in memory at a time. Its transaction ends with the last one or when closed."""
    with transaction.atomic(), _prepared(ServerCursor, name="columns") as cursor:
        cursor.connection.execute(IDLE_LIMIT)
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            yield from rows


def copy(table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows to a table in one statement. `columns` are their names and types. None of it may be a user's words."""
    names = ", ".join(f'"{name}"' for name in columns)
    with (
        _prepared(Cursor) as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as sink,
    ):
        sink.set_types(list(columns.values()))
        for row in rows:
            sink.write_row(row)


def _prepared(kind: type[Cursor[Any]] | type[ServerCursor[Any]], **options: Any) -> CursorWrapper:
    """A cursor that Django counts and whose errors it translates. Its own ones have everything sent as text."""
    connection.ensure_connection()
    inner = kind(connection.connection, **options)
    inner.format = Format.BINARY
    inner.adapters.register_loader(IntegerDumper.oid, IntegerLoader)
    inner.adapters.register_loader(FloatDumper.oid, FloatLoader)
    # By type of the column: numpy has one class for both.
    inner.adapters.register_dumper(np.ndarray, IntegerDumper)
    inner.adapters.register_dumper(np.ndarray, FloatDumper)
    wrap = CursorDebugWrapper if connection.queries_logged else CursorWrapper
    return wrap(inner, connection)
