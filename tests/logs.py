"""Logs for tests."""

import gzip
from typing import Any

from experiments.models import Run
from experiments.printed import Printed
from experiments.selectors.logs import log_lines, log_stream
from experiments.services.logs import log_append


def prints(
    run: Run, *lines: str, attempt: int = 1, rank: int = 0, when: float | None = None, rows: str | None = None
) -> None:
    """Store what one batch would bring: lines, and rows that may still change."""
    text = "".join(f"{line}\n" for line in lines)
    times = ((0, when),) if when is not None and lines else ()
    log_append(run, attempt=attempt, rank=rank, printed=Printed(text, times, rows))


def told(run: Run, *, attempt: int | None = None, rank: int = 0) -> list[str]:
    """All lines of a log."""
    query = {"rank": str(rank)} | ({} if attempt is None else {"attempt": str(attempt)})
    return texts(run, query)


def texts(run: Run, query: dict[str, str], first: int = 1, count: int = 10**9) -> list[str]:
    """Lines from a number on."""
    return [line.text for line in log_lines(log_stream(run, query), first, count)]


def downloaded(answer: Any) -> str:
    """The text that is streamed."""
    content = b"".join(answer)
    return (
        gzip.decompress(content) if answer.headers.get("Content-Encoding") == "gzip" else content
    ).decode()
