import json
import math

import pytest

from experiments.tracking import rows
from experiments.tracking.port import Point


@pytest.mark.parametrize(
    ("value", "sent"), [(0.5, 0.5), (math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")]
)
def test_metric(value: float, sent: float | str) -> None:
    row = rows.metric("loss", Point(3, value, 1700000000.1234))
    assert row == {"key": "loss", "value": sent, "timestamp": 1700000000123, "step": 3}


@pytest.mark.parametrize("time", [math.nan, math.inf, -1.0, 1e300])
def test_time_that_no_clock_shows(time: float) -> None:
    assert rows.metric("loss", Point(1, 0.5, time))["timestamp"] == 0


def test_batches_keep_the_number() -> None:
    made = list(rows.batches(({"key": "k", "value": n} for n in range(2500)), 1000))
    assert [len(batch) for batch in made] == [1000, 1000, 500]
    assert [row["value"] for batch in made for row in batch] == list(range(2500))


def test_batches_keep_the_size() -> None:
    widest = [{"key": "k" * 250, "value": "\U0001f600" * 6000} for _ in range(100)]
    made = list(rows.batches(widest, 100))
    assert sum(len(batch) for batch in made) == 100
    assert max(len(json.dumps(batch, ensure_ascii=False).encode()) for batch in made) < 1_000_000


def test_no_rows_no_batches() -> None:
    assert list(rows.batches([], 10)) == []
