"""Numbers, times and names as people read them."""

from datetime import datetime
from typing import Any

from mlplatform.cli.client import Json

NONE = "–"
OVER = ("completed", "failed", "canceled", "pruned")
OPEN = ("starting", "running")
COLOURS = {
    **dict.fromkeys(("active", "starting", "running"), "cyan"),
    **dict.fromkeys(("paused", "canceled"), "yellow"),
    "completed": "green",
    "failed": "red",
    "pruned": "magenta",
}


def span(seconds: float | None) -> str:
    """A length of time."""
    if seconds is None:
        return NONE
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def when(text: str | None) -> str:
    """A point in time, on this machine's clock."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}" if text else NONE


def value(number: Any) -> str:
    """A metric's value; the portal writes nan and inf as text."""
    if number is None:
        return NONE
    return f"{number:.4g}" if isinstance(number, float) else str(number)


def last(run: Json, metric: str) -> str:
    """The newest value of a metric of a run."""
    found = run["metrics"].get(metric)
    return value(found["last"]) if found else NONE


def plain(text: str) -> str:
    """Without characters that could steer the terminal: names and messages come from other people."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


def metric_key(name: str) -> str:
    """A metric as queries and orders name it, in quotes: it may be called anything."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'metrics."{escaped}"'


def clip(text: str, width: int) -> str:
    """At most so many characters."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def count(number: int, what: str) -> str:
    """1 run, 2 runs."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
