"""Any line of a long log by its number, the places of a text, and all of it."""

import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from experiments.models import Experiment, LogChunk, LogStream, Run
from experiments.selectors import logs
from experiments.selectors.logs import log_lines, log_search, log_stream, log_text
from mlplatform.kernel.errors import InvalidInput, NotFound
from tests.logs import prints, texts

PER_CHUNK = 1000


@pytest.fixture
def run(experiment: Experiment) -> Run:
    Run.objects.update(attempts_made=1)
    return Run.objects.select_related("experiment").get(experiment=experiment, number=1)


@pytest.fixture
def million(run: Run) -> LogStream:
    """A million lines, as ingest would have stored them."""

    def chunks() -> Iterator[LogChunk]:
        for first in range(1, 1_000_001, PER_CHUNK):
            content = "".join(
                f"step {number} of many\n" for number in range(first, first + PER_CHUNK)
            ).encode()
            yield LogChunk(
                run=run, attempt=1, rank=0, first_line=first, line_count=PER_CHUNK, size=len(content),
                time_lines=[0], times=[float(first)], content=zlib.compress(content, 1),
            )  # fmt: skip

    LogChunk.objects.bulk_create(chunks())
    return LogStream.objects.create(run=run, attempt=1, rank=0, lines=1_000_000, open="99%")


def test_any_line_of_a_million_costs_one_chunk(
    million: LogStream, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    unpacked: list[int] = []

    def text(chunk: LogChunk) -> str:
        unpacked.append(chunk.first_line)
        return zlib.decompress(chunk.content).decode()

    monkeypatch.setattr(logs, "_text", text)
    for first in (1, 500, 1000, 1001, 777_777, 999_999):
        unpacked.clear()
        with django_assert_max_num_queries(1):
            found = log_lines(million, first, 1)
        assert [line.text for line in found] == [f"step {first} of many"]
        assert len(unpacked) == 1
    assert [line.text for line in log_lines(million, 1_000_000, 10)] == ["step 1000000 of many", "99%"]
    assert log_lines(million, 1_000_002, 10) == []


def test_a_range_is_one_range_of_the_index(million: LogStream) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE experiments_logchunk")
    plan = logs._covering(million, 777_777, 777_800).explain()
    assert "Seq Scan" not in plan
    assert plan.count("Index") >= 2
    query = logs._covering(million, 777_777, 777_800)
    assert [chunk.first_line for chunk in query] == [777_001]


def test_search_goes_on_where_an_answer_ended(million: LogStream, monkeypatch: pytest.MonkeyPatch) -> None:
    found, following = log_search(million, "0000 of", ignore_case=False, first=1, limit=3)
    assert [match.number for match in found] == [10_000, 20_000, 30_000]
    assert following == 40_000
    found, _ = log_search(million, "0000 of", ignore_case=False, first=following, limit=1)
    assert [match.number for match in found] == [40_000]
    monkeypatch.setattr(logs, "SEARCH_BYTES", 100_000)
    numbers: list[int] = []
    cursor: int | None = 990_001
    answers = 0
    while cursor is not None:
        found, cursor = log_search(million, "99 OF", ignore_case=True, first=cursor, limit=30)
        numbers += [match.number for match in found]
        answers += 1
    assert numbers == list(range(990_099, 1_000_000, 100))
    assert answers > 3


def test_search_reads_what_is_seen(run: Run) -> None:
    prints(run, "an \x1b[31mEr\x1b[0mror", "x" * 500 + "error" + "y" * 500, "nothing", rows="error 5%\nfine")
    stream = log_stream(run, {})
    found, following = log_search(stream, "error", ignore_case=True, first=1, limit=10)
    assert [(match.number, match.excerpt[match.start : match.end]) for match in found] == [
        (1, "Error"), (2, "error"), (4, "error"),
    ]  # fmt: skip
    assert all(len(match.excerpt) <= logs.EXCERPT for match in found)
    assert following is None
    found, following = log_search(stream, "error", ignore_case=False, first=1, limit=1)
    assert ([match.number for match in found], following) == ([2], 4)
    found, following = log_search(stream, ".*", ignore_case=False, first=1, limit=1)
    assert (found, following) == ([], None)
    with pytest.raises(InvalidInput):
        log_search(stream, "a\nb", ignore_case=False, first=1, limit=1)


def test_an_answer_is_bounded_by_its_size(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PAGE_BYTES", 1000)
    prints(run, *["x" * 400] * 10)
    assert len(texts(run, {}, first=1, count=10)) == 2
    prints(run, "y" * 5000)
    assert texts(run, {}, first=11) == ["y" * 5000]
    prints(run, *["ä" * 200] * 10)
    assert len(texts(run, {}, first=12, count=10)) == 2


def test_all_of_it(run: Run) -> None:
    prints(run, "a", "\x1b[32mb\x1b[0m", rows="50%")
    prints(run, "other", rank=1)
    streams = logs.log_streams(run)
    assert b"".join(log_text(streams[:1])) == b"a\nb\n50%\n"
    assert b"".join(log_text(streams[:1], colors=True)) == b"a\n\x1b[32mb\x1b[0m\n50%\n"
    assert b"".join(log_text(streams)).decode() == (
        "===== attempt 1, rank 0 =====\na\nb\n50%\n===== attempt 1, rank 1 =====\nother\n"
    )


def test_an_attempt_or_rank_that_there_is_not(run: Run) -> None:
    assert log_stream(run, {}).total == 0
    for query in ({"attempt": "2"}, {"rank": "1"}):
        with pytest.raises(NotFound):
            log_stream(run, query)
    # What was stored is there, also if the experiment has fewer workers now.
    prints(run, "more", rank=1)
    assert texts(run, {"rank": "1"}) == ["more"]
