"""Reading a run's output."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from experiments.models import LogChunk, Run
from mlplatform.kernel.errors import InvalidInput


@dataclass(frozen=True)
class LogTail:
    """The end of the latest attempt's output. `end` is the id of the last chunk, to notice that there is more."""

    text: str
    truncated: bool
    end: int


def log_tail(run: Run, *, limit_bytes: int = 65536) -> LogTail:
    """Last `limit_bytes` of the latest attempt; lines of ranks above 0 begin with their rank."""
    chunks = LogChunk.objects.filter(run=run, attempt=run.attempts_made).order_by("-id")
    parts: list[str] = []
    size, end, truncated = 0, 0, False
    for chunk in chunks.iterator(chunk_size=50):
        end = max(end, chunk.id)
        if size >= limit_bytes:
            truncated = True
            break
        size += chunk.size
        parts.append(_text(chunk))
    text = "".join(reversed(parts))
    if len(text) > limit_bytes:
        # Begin with a whole line, if there is one: a progress bar may have written none.
        text, truncated = text[-limit_bytes:], True
        text = text.partition("\n")[2] or text
    return LogTail(text=text, truncated=truncated, end=end)


def attempt_in(query: Mapping[str, str]) -> int | None:
    """The attempt that a query names as `attempt`, None if it names none. Raises InvalidInput for anything else."""
    text = query.get("attempt")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidInput(f"attempt is {text[:40]!r}; write the number of an attempt.", field="attempt")
    return int(text)


def log_full(run: Run, attempt: int | None = None) -> str:
    """Everything that an attempt printed; the latest, if none is named."""
    number = attempt or run.attempts_made
    return "".join(_text(chunk) for chunk in LogChunk.objects.filter(run=run, attempt=number).order_by("id"))


def _text(chunk: LogChunk) -> str:
    text = zlib.decompress(bytes(chunk.content)).decode("utf-8", "replace")
    if chunk.rank == 0:
        return text
    return "".join(f"[rank {chunk.rank}] {line}" for line in text.splitlines(keepends=True))
