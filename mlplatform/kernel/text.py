"""Text from outside, made safe to store, and words that were perhaps meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

SHOWN = 60
# No fewer than a definition has fields; metrics may be many more.
LISTED = 30


def storable(value: Any) -> str:
    """The text without what PostgreSQL cannot hold (NUL, lone surrogates); empty for anything but text."""
    text = value if isinstance(value, str) else ""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word that was perhaps meant, in capitals or not; empty if none is near enough."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word[:SHOWN].lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[near[0]] if near else ""


def known_instead(unknown: str, known: Iterable[str]) -> str:
    """The rest of a sentence about an unknown word: what was perhaps meant, and what there is."""
    names = list(known)
    if not names:
        return "there are none"
    near = nearest(unknown, names)
    meant = f"did you mean {near}? " if near else ""
    return f"{meant}known are {', '.join(names[:LISTED])}{', …' if len(names) > LISTED else ''}"
