"""Reading what a run has printed: any lines, the places of a text, all of it."""

import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from experiments.models import LogChunk, LogStream, Run
from experiments.terminal import plain
from mlplatform.http.query import number_in
from mlplatform.kernel.errors import InvalidInput, NotFound

MAX_NUMBER = 2**62
# What one answer holds and what one search reads, in bytes of text.
PAGE_BYTES = 2**20
SEARCH_BYTES = 8 * 2**20
# Chunks are 64 KiB; one query brings so many.
CHUNKS_AT_A_TIME = 16
EXCERPT_BEFORE = 80
EXCERPT = 240


@dataclass(frozen=True)
class Line:
    """One line as it was printed, colours included. `time` in Unix seconds, None if nobody knows."""

    number: int
    time: float | None
    text: str


@dataclass(frozen=True)
class Match:
    """A line in which a text is: an excerpt without colours, and where in it the first place begins and ends."""

    number: int
    excerpt: str
    start: int
    end: int


def log_streams(run: Run) -> list[LogStream]:
    """What there is of each attempt and rank."""
    return list(LogStream.objects.filter(run=run).order_by("attempt", "rank"))


def log_stream(run: Run, query: Mapping[str, str]) -> LogStream:
    """The one that `?attempt=` and `?rank=` say: by default rank 0 of the latest attempt. Raises NotFound.

    Empty if nothing has been printed there yet.
    """
    attempt = number_in(query, "attempt", run.attempts_made, 0, MAX_NUMBER)
    rank = number_in(query, "rank", 0, 0, MAX_NUMBER)
    if attempt > run.attempts_made:
        raise NotFound(f"Run {run.number} has no attempt {attempt}; it had {run.attempts_made} so far.")
    found = LogStream.objects.filter(run=run, attempt=attempt, rank=rank).first()
    if found is None and rank >= run.experiment.workers:
        raise NotFound(
            f"Run {run.number} has no rank {rank}; its ranks are 0 to {run.experiment.workers - 1}."
        )
    return found or LogStream(run=run, attempt=attempt, rank=rank)


def log_lines(stream: LogStream, first: int, count: int) -> list[Line]:
    """Lines from number `first` on, so many or what fits into one answer (at least one). Two queries at most."""
    end = min(first + count, stream.total + 1)
    found: list[Line] = []
    size = 0
    if first <= stream.lines:
        for chunk in _covering(stream, first, min(end, stream.lines + 1)):
            for line in _lines(chunk, first, end):
                size += len(line.text.encode())
                if found and size > PAGE_BYTES:
                    return found
                found.append(line)
    rows = enumerate(stream.open_rows, stream.lines + 1)
    return found + [Line(number, None, row) for number, row in rows if first <= number < end]


def log_search(
    stream: LogStream, wanted: str, *, ignore_case: bool, first: int, limit: int
) -> tuple[list[Match], int | None]:
    """Lines from `first` on that contain a text, and the line to go on from, None at the end. Raises InvalidInput."""
    if "\n" in wanted:
        raise InvalidInput("search must be within one line.", field="search")
    pattern = re.compile(re.escape(wanted), re.IGNORECASE if ignore_case else 0)
    found: list[Match] = []
    read = 0
    for chunk in _following(stream, first):
        if read >= SEARCH_BYTES:
            return found, chunk.first_line
        read += chunk.size
        for match in _matches(chunk, pattern, first):
            if len(found) == limit:
                return found, match.number
            found.append(match)
    for number, row in enumerate(stream.open_rows, stream.lines + 1):
        in_row = _match(number, plain(row), pattern) if number >= first else None
        if in_row and len(found) == limit:
            return found, number
        found += [in_row] if in_row else []
    return found, None


def log_text(streams: list[LogStream], *, colors: bool = False) -> Iterator[bytes]:
    """Everything that the streams have, as one text; each has a headline if there are several."""
    for stream in streams:
        if len(streams) > 1:
            yield f"===== attempt {stream.attempt}, rank {stream.rank} =====\n".encode()
        for chunk in _following(stream, 1):
            content = zlib.decompress(chunk.content)
            yield content if colors else _plain_bytes(content)
        if stream.open:
            yield (f"{stream.open if colors else plain(stream.open)}\n").encode()


def _chunks(stream: LogStream) -> "QuerySet[LogChunk]":
    of_stream = LogChunk.objects.filter(run_id=stream.run_id, attempt=stream.attempt, rank=stream.rank)
    return of_stream.order_by("first_line")


def _covering(stream: LogStream, first: int, end: int) -> "QuerySet[LogChunk]":
    """The chunks with the lines from `first` to before `end`: one range of the index."""
    of_stream = LogChunk.objects.filter(
        run_id=OuterRef("run_id"), attempt=OuterRef("attempt"), rank=OuterRef("rank")
    )
    before = of_stream.filter(first_line__lte=first).order_by("-first_line").values("first_line")[:1]
    return _chunks(stream).filter(first_line__gte=Coalesce(Subquery(before), 1), first_line__lt=end)


def _following(stream: LogStream, first: int) -> Iterator[LogChunk]:
    """All chunks from the one with the line `first` on, without a transaction that lasts as long as its reader."""
    while first <= stream.lines:
        found = list(_covering(stream, first, stream.lines + 1)[:CHUNKS_AT_A_TIME])
        if not found:
            return
        yield from found
        first = found[-1].first_line + found[-1].line_count


def _lines(chunk: LogChunk, first: int, end: int) -> Iterator[Line]:
    texts = _text(chunk).split("\n")
    start = max(first - chunk.first_line, 0)
    for index in range(start, min(end - chunk.first_line, chunk.line_count)):
        mark = bisect_right(chunk.time_lines, index) - 1
        yield Line(chunk.first_line + index, chunk.times[mark] if mark >= 0 else None, texts[index])


def _matches(chunk: LogChunk, pattern: "re.Pattern[str]", first: int) -> Iterator[Match]:
    text = plain(_text(chunk))
    # Most chunks have none: one look at the whole is much faster than one at each line.
    if not pattern.search(text):
        return
    for number, line in enumerate(text.split("\n")[: chunk.line_count], chunk.first_line):
        if number >= first and (match := _match(number, line, pattern)):
            yield match


def _match(number: int, line: str, pattern: "re.Pattern[str]") -> Match | None:
    place = pattern.search(line)
    if place is None:
        return None
    begin = max(0, place.start() - EXCERPT_BEFORE)
    excerpt = line[begin : begin + EXCERPT]
    return Match(number, excerpt, place.start() - begin, min(place.end() - begin, len(excerpt)))


def _text(chunk: LogChunk) -> str:
    return zlib.decompress(chunk.content).decode("utf-8", "replace")


def _plain_bytes(content: bytes) -> bytes:
    return plain(content.decode("utf-8", "replace")).encode() if b"\x1b" in content else content
