"""Lines are numbered without a gap, whatever batches bring them; small chunks become large ones."""

from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.models import Experiment, LogChunk, LogStream, Run
from experiments.printed import Printed
from experiments.selectors.logs import log_lines, log_stream
from experiments.services import logs
from experiments.services.logs import CHUNK_BYTES, HOT_CHUNKS, log_append
from tests.logs import prints, texts, told

MARKS = 10


@pytest.fixture
def run(experiment: Experiment) -> Run:
    Run.objects.update(attempts_made=1)
    return Run.objects.select_related("experiment").get(experiment=experiment, number=1)


def chunks(run: Run) -> list[tuple[int, int]]:
    return list(run.log_chunks.order_by("first_line").values_list("first_line", "line_count"))


def test_small_batches_are_merged_as_they_come(run: Run) -> None:
    for number in range(1, 10 * HOT_CHUNKS + 1):
        prints(run, f"line {number}", when=float(number))
    assert LogChunk.objects.count() <= HOT_CHUNKS
    assert told(run) == [f"line {number}" for number in range(1, 10 * HOT_CHUNKS + 1)]
    lines = log_lines(log_stream(run, {}), 1, 1000)
    assert [line.time for line in lines] == [float(number) for number in range(1, 10 * HOT_CHUNKS + 1)]


def test_a_large_batch_is_cut_and_not_merged_again(run: Run) -> None:
    wide = "x" * 999
    prints(run, "small")
    prints(run, *[wide] * 500)
    sizes = LogChunk.objects.values_list("size", flat=True)
    assert max(sizes) <= CHUNK_BYTES
    before = chunks(run)
    for _ in range(HOT_CHUNKS - 1):
        prints(run, "more")
    assert chunks(run)[: len(before) - 1] == before[:-1]
    assert told(run) == ["small", *[wide] * 500, *["more"] * (HOT_CHUNKS - 1)]


def test_what_is_small_is_merged_with_a_large_batch_that_comes_before_it_is_due(run: Run) -> None:
    wide, rounds = "x" * 999, 5
    for _ in range(rounds):
        for _ in range(HOT_CHUNKS - 1):
            prints(run, "small")
        prints(run, *[wide] * 100)
    whole = rounds * (100 * 1000 + (HOT_CHUNKS - 1) * len("small\n"))
    assert LogChunk.objects.count() <= whole // CHUNK_BYTES + 2
    assert told(run) == [*["small"] * (HOT_CHUNKS - 1), *[wide] * 100] * rounds


def test_a_line_longer_than_a_chunk_has_one_of_its_own(run: Run) -> None:
    long = "x" * (2 * CHUNK_BYTES)
    prints(run, "a", long, "b")
    assert chunks(run) == [(1, 1), (2, 1), (3, 1)]
    assert told(run) == ["a", long, "b"]


def test_open_rows_are_the_last_lines_until_they_are_over(run: Run) -> None:
    prints(run, "one", rows="10%\n20%")
    assert told(run) == ["one", "10%", "20%"]
    prints(run, rows="90%")
    assert told(run) == ["one", "90%"]
    assert texts(run, {}, first=2) == ["90%"]
    prints(run, "100%", "two", rows="")
    assert told(run) == ["one", "100%", "two"]
    prints(run, "three")
    assert told(run)[-1] == "three"


def test_ranks_and_attempts_are_counted_apart(run: Run) -> None:
    prints(run, "zero")
    prints(run, "first", rank=1)
    prints(run, "again", attempt=2)
    streams = LogStream.objects.order_by("attempt", "rank").values_list("attempt", "rank", "lines")
    assert list(streams) == [(1, 0, 1), (1, 1, 1), (2, 0, 1)]


def test_what_is_no_line_end_to_us_stays_in_its_line(run: Run) -> None:
    odd = "a\x0bb\u2028c\x85d\re"
    prints(run, odd, "next")
    assert told(run) == [odd, "next"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    batches=st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30), max_size=6),
        max_size=12,
    ),
    first=st.integers(1, 40),
    count=st.integers(0, 40),
)
def test_any_range_of_any_batches(run: Run, batches: list[list[str]], first: int, count: int) -> None:
    LogStream.objects.all().delete()
    LogChunk.objects.all().delete()
    expected: list[tuple[str, float]] = []
    with mock.patch.object(logs, "CHUNK_BYTES", 40), mock.patch.object(logs, "HOT_CHUNKS", 3):
        for number, lines in enumerate(batches):
            marks = tuple((index, number + index / MARKS) for index in range(0, len(lines), 2))
            text = "".join(f"{line}\n" for line in lines)
            log_append(run, attempt=1, rank=0, printed=Printed(text, marks))
            expected += [(line, number + index // 2 * 2 / MARKS) for index, line in enumerate(lines)]
    found = [(line.text, line.time) for line in log_lines(log_stream(run, {}), first, count)]
    assert found == expected[first - 1 : first - 1 + count]
