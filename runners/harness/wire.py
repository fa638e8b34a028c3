"""How a batch travels: msgpack with packed columns if that package is there (Ray brings it), else JSON."""

import json
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
    if msgpack is None:
        return json.dumps(payload, separators=(",", ":")).encode(), JSON
    if payload.get("points"):
        payload = {**payload, "points": [_packed_column(column) for column in payload["points"]]}
    # Lone surrogates, which names of files and messages of errors may have, are the portal's to replace.
    body: bytes = msgpack.packb(payload, unicode_errors="surrogatepass")
    return body, MSGPACK


def _packed_column(column: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": column["name"],
        "steps": _packed("q", column["steps"]),
        # Those that JSON does not have are texts.
        "values": _packed("d", map(float, column["values"])),
        "times": _packed("d", column["times"]),
    }


def _packed(kind: str, numbers: Iterable[float]) -> bytes:
    packed = array(kind, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()
