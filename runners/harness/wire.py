"""How a batch travels: msgpack with packed columns if that package is there (Ray brings it), else JSON."""

import json
import math
import sys
from array import array
from collections.abc import Iterable
from typing import Any

try:
    import msgpack
except ImportError:  # pragma: no cover  # a companion process without site packages, or a bare image
    msgpack = None

JSON = "application/json"
MSGPACK = "application/msgpack"


def encode(payload: dict[str, Any]) -> tuple[bytes, str]:
    """The body, and its content type."""
    column_of = _plain_column if msgpack is None else _packed_column
    if payload.get("points"):
        payload = {**payload, "points": [column_of(column) for column in payload["points"]]}
    if msgpack is None:
        return json.dumps(payload, separators=(",", ":")).encode(), JSON
    # Lone surrogates, which names of files and messages of errors may have, are the portal's to replace.
    body: bytes = msgpack.packb(payload, unicode_errors="surrogatepass")
    return body, MSGPACK


def encode_number(value: float) -> float | str:
    """JSON has no NaN or infinity: those travel as the words nan, inf, -inf."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "nan"
    return "inf" if value > 0 else "-inf"


def _plain_column(column: dict[str, Any]) -> dict[str, Any]:
    return {**column, "values": [encode_number(value) for value in column["values"]]}


def _packed_column(column: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": column["name"],
        "steps": _packed("q", column["steps"]),
        "values": _packed("d", column["values"]),
        "times": _packed("d", column["times"]),
    }


def _packed(kind: str, numbers: Iterable[float]) -> bytes:
    packed = array(kind, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()
