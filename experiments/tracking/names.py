"""What MLflow accepts as names and values, and what we turn the rest into.

Keys of params, metrics and tags may hold letters, digits, `_ - . : /` and spaces, up to 250 characters, and
must be a normal relative path. Any other character becomes `_`. Where two keys of one run become the same,
all but one get a short hash of the original name. Values are cut, and say so at the cut.
"""

import json
import posixpath
import re
from collections.abc import Iterable
from hashlib import sha256

MAX_KEY = 250
MAX_PARAM_VALUE = 6000
MAX_TAG_VALUE = 5000
MAX_NAME = 250
_FOREIGN = re.compile(r"[^/\w.\- :]")
_HASH_LENGTH = 8


def key(name: str) -> str:
    """Return the nearest key that MLflow accepts; a good one stays as it is."""
    parts = posixpath.normpath(_FOREIGN.sub("_", name)).split("/")
    good = "/".join("_" if part in {".", ".."} else part for part in parts if part) or "_"
    return good if len(good) <= MAX_KEY else _with_hash(good, name)


def keys(names: Iterable[str]) -> dict[str, str]:
    """Return name -> key, one key per name."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    # Names that need no change go first, so that no other name takes theirs.
    for name in sorted(set(names), key=lambda name: (key(name) != name, name)):
        chosen[name] = key(name) if key(name) not in taken else _with_hash(key(name), name)
        taken.add(chosen[name])
    return chosen


def param_value(value: object) -> str:
    """Return a parameter as text, lists and mappings as JSON."""
    nested = isinstance(value, list | dict)
    return cut(json.dumps(value, ensure_ascii=False) if nested else str(value), MAX_PARAM_VALUE)


def cut(text: str, limit: int) -> str:
    """Return text that any database takes, no longer than `limit`; a cut is marked with the full length."""
    text = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if len(text) <= limit:
        return text
    mark = f"... ({len(text)} characters)"
    return text[: limit - len(mark)] + mark


def model_name(name: str) -> str:
    """Return the nearest name that MLflow's model registry accepts: no slash, no colon."""
    return cut(key(name).replace("/", ".").replace(":", "."), MAX_NAME)


def _with_hash(good: str, name: str) -> str:
    suffix = "-" + sha256(name.encode("utf-8", "replace")).hexdigest()[:_HASH_LENGTH]
    return good[: MAX_KEY - len(suffix)].rstrip("/") + suffix
