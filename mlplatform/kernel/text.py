"""Text from outside, made safe to store."""

from typing import Any


def storable(value: Any) -> str:
    """The text without what PostgreSQL cannot hold (NUL, lone surrogates); empty for anything but text."""
    text = value if isinstance(value, str) else ""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
