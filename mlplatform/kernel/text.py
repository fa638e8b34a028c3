"""Text from outside, made safe to store, and words that were perhaps meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

SHOWN = 60


def storable(value: Any) -> str:
    """The text without what PostgreSQL cannot hold (NUL, lone surrogates); empty for anything but text."""
    text = value if isinstance(value, str) else ""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def known_instead(unknown: str, known: Iterable[str]) -> str:
    """The rest of a sentence about an unknown word: what was perhaps meant, and all that there is."""
    names = list(known)
    close = get_close_matches(unknown[:SHOWN], names, n=1)
    meant = f"did you mean {close[0]}? " if close else ""
    return f"{meant}known are {', '.join(names)}" if names else "there are none"
