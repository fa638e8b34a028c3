"""Storing what runs print. Under the lock of the run, as all that a batch brings."""

import zlib
from collections.abc import Iterable, Iterator

from experiments.models import LogChunk, LogStream, Run
from experiments.printed import Printed
from mlplatform.http.live import group_name, publish

# Before compression: what reading any one line costs at least, and what compresses well.
CHUNK_BYTES = 64 * 1024
# A batch brings a few lines; so many chunks of such batches are merged.
HOT_CHUNKS = 32

Mark = tuple[int, float]


def log_append(run: Run, *, attempt: int, rank: int, printed: Printed) -> None:
    """Add lines to a rank's output, and replace its open rows if they have changed."""
    if not printed:
        return
    stream = LogStream.objects.filter(run=run, attempt=attempt, rank=rank).first()
    stream = stream or LogStream(run=run, attempt=attempt, rank=rank)
    if printed.text:
        _add(stream, printed.text.encode(), printed.times)
    if printed.open is not None:
        stream.open = printed.open
    stream.save()
    log_changed(run)


def log_changed(run: Run) -> None:
    """Tell the run's page that there is more of its log."""
    publish([group_name("run", run.id)], {"what": "log", "run": str(run.id)})


def _add(stream: LogStream, content: bytes, marks: Iterable[Mark]) -> None:
    """Add lines as a small chunk; or, if they are many or the small ones are, make full chunks of both."""
    lines = _lines(content)
    first = stream.lines + 1
    stream.lines += len(lines)
    stream.hot_chunks += 1
    is_due = stream.hot_chunks >= HOT_CHUNKS or len(content) > CHUNK_BYTES
    if is_due:
        hot_lines, hot_marks = _take_hot(stream)
        marks = [*hot_marks, *((line + len(hot_lines), when) for line, when in marks)]
        first, lines = stream.hot_line, hot_lines + lines
    chunks = list(_chunks(stream, first, lines, marks))
    LogChunk.objects.bulk_create(chunks)
    if is_due:
        # The last one stays open for more.
        stream.hot_line, stream.hot_chunks = chunks[-1].first_line, 1


def _take_hot(stream: LogStream) -> tuple[list[bytes], list[Mark]]:
    """The lines of the chunks that are still small, which are deleted."""
    hot = LogChunk.objects.filter(
        run_id=stream.run_id,
        attempt=stream.attempt,
        rank=stream.rank,
        first_line__gte=stream.hot_line,
    )
    lines: list[bytes] = []
    marks: list[Mark] = []
    for chunk in hot.order_by("first_line"):
        marks += [(line + len(lines), when) for line, when in zip(chunk.time_lines, chunk.times, strict=True)]
        lines += _lines(zlib.decompress(chunk.content))
    hot.delete()
    return lines, marks


def _chunks(
    stream: LogStream, first_line: int, lines: list[bytes], marks: Iterable[Mark]
) -> Iterator[LogChunk]:
    """Lines cut into chunks; a longer one has a chunk of its own."""
    marks = list(marks)
    for start, end in _cuts(lines):
        content = b"".join(lines[start:end])
        own = _between(marks, start, end)
        yield LogChunk(
            run_id=stream.run_id,
            attempt=stream.attempt,
            rank=stream.rank,
            first_line=first_line + start,
            line_count=end - start,
            size=len(content),
            time_lines=[line for line, _ in own],
            times=[when for _, when in own],
            content=zlib.compress(content, 6),
        )


def _lines(content: bytes) -> list[bytes]:
    return [line + b"\n" for line in content.split(b"\n")[:-1]]


def _cuts(lines: list[bytes]) -> Iterator[tuple[int, int]]:
    start = size = 0
    for number, line in enumerate(lines):
        if size and size + len(line) > CHUNK_BYTES:
            yield start, number
            start, size = number, 0
        size += len(line)
    yield start, len(lines)


def _between(marks: list[Mark], start: int, end: int) -> list[Mark]:
    """The marks of some of the lines, counted from the first of these."""
    before = [when for line, when in marks if line <= start][-1:]
    return [
        *((0, when) for when in before),
        *((line - start, when) for line, when in marks if start < line < end),
    ]
