from datetime import UTC, datetime, timedelta

import pytest

from experiments.waiting import UNKNOWN, about, wait_words

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts", "late", "frees", "words"),
    [
        (None, None, "", UNKNOWN),
        (None, None, "run 4 of a ends", "It gets its place when run 4 of a ends; when that is, nobody knows yet."),
        (200, 500, "run 4 of a ends", "Starts in about 4 min, when run 4 of a ends; nine times in ten within 9 min."),
        (200, None, "", "Starts in about 4 min."),
        (-5, -5, "", "Starts soon; nine times in ten within 10 s."),
    ],
)  # fmt: skip
def test_words(starts: int | None, late: int | None, frees: str, words: str) -> None:
    at = [None if seconds is None else NOW + timedelta(seconds=seconds) for seconds in (starts, late)]
    assert wait_words(at[0], at[1], frees, NOW) == words


def test_lengths_are_rounded_up() -> None:
    lengths = (31, 60, 61, 3600, 5000, 86400, 100_000)
    assert [about(each) for each in lengths] == [
        "40 s",
        "1 min",
        "2 min",
        "1 h",
        "1.5 h",
        "1 days",
        "1.5 days",
    ]
