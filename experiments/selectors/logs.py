"""Reading a run's output."""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from experiments.models import LogChunk, Run
from mlplatform.kernel.errors import InvalidInput

MAX_ATTEMPT = 10**9
MAX_POSITION = 2**63 - 1
# Where a line begins within a text: after a line feed, and after a carriage return that is not part of a line end.
LINE_STARTS = re.compile(r"(?<=\n)(?!\Z)|(?<=\r)(?!\n|\Z)")


@dataclass(frozen=True)
class LogTail:
    """A part of an attempt's output. `end` is the id of the last chunk, to notice that there is more."""

    text: str
    truncated: bool
    end: int


def log_tail(run: Run, *, limit_bytes: int = 65536) -> LogTail:
    """Last `limit_bytes` of the latest attempt; lines of ranks above 0 begin with their rank."""
    chunks = LogChunk.objects.filter(run=run, attempt=run.attempts_made).order_by("-id")
    taken: list[LogChunk] = []
    size, end, truncated = 0, 0, False
    for chunk in chunks.iterator(chunk_size=50):
        end = max(end, chunk.id)
        if size >= limit_bytes:
            truncated = True
            break
        size += chunk.size
        taken.append(chunk)
    text = _joined(reversed(taken))
    if len(text) > limit_bytes:
        # Begin with a whole line, if there is one: a progress bar may have written none.
        text, truncated = text[-limit_bytes:], True
        text = text.partition("\n")[2] or text
    return LogTail(text=text, truncated=truncated, end=end)


def attempt_in(query: Mapping[str, str]) -> int | None:
    """The attempt that a query names as `attempt`, None if it names none. Raises InvalidInput for anything else."""
    return number_in(query, "attempt", MAX_ATTEMPT)


def after_in(query: Mapping[str, str]) -> int:
    """The position that a query names as `after`, 0 if it names none. Raises InvalidInput for anything else."""
    return number_in(query, "after", MAX_POSITION) or 0


def number_in(query: Mapping[str, str], name: str, largest: int) -> int | None:
    """A whole number of a query, None without one. Raises InvalidInput."""
    text = query.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= largest):
        raise InvalidInput(f"{name} is {text[:40]!r}; write a whole number up to {largest}.", field=name)
    return int(text)


def log_full(run: Run, attempt: int | None = None) -> str:
    """Everything that an attempt printed; the latest, if none is named."""
    return log_after(run, attempt, 0).text


def log_after(run: Run, attempt: int | None, after: int) -> LogTail:
    """What an attempt (the latest, if none is named) printed after a position: the `end` of an earlier answer, or 0.

    Nothing is missed: batches of a run are taken one after the other, so ids grow in the order of commits.
    """
    number = attempt or run.attempts_made
    found = LogChunk.objects.filter(run=run, attempt=number)
    chunks = list(found.filter(id__gt=after).order_by("id"))
    end = chunks[-1].id if chunks else after
    before = found.filter(id__lte=after).order_by("-id").first() if after and chunks else None
    return LogTail(text=_joined(chunks, before), truncated=False, end=end)


def _joined(chunks: Iterable[LogChunk], before: LogChunk | None = None) -> str:
    """Chunks of all ranks as one text that continues `before`.

    A rank that speaks within the line of another one begins a new line.
    """
    parts: list[str] = []
    rank, end = (before.rank, _text(before)[-1:]) if before else (0, "\n")
    for chunk in chunks:
        text = _text(chunk)
        if not text:
            continue
        if chunk.rank != rank and end not in "\r\n":
            parts.append("\n")
            end = "\n"
        if chunk.rank:
            prefix = f"[rank {chunk.rank}] "
            begins = end == "\n" or (end == "\r" and not text.startswith("\n"))
            parts.append(prefix if begins else "")
            parts.append(LINE_STARTS.sub(prefix, text))
        else:
            parts.append(text)
        rank, end = chunk.rank, text[-1]
    return "".join(parts)


def _text(chunk: LogChunk) -> str:
    return zlib.decompress(bytes(chunk.content)).decode("utf-8", "replace")
