import json
import math
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.printed import Printed
from experiments.telemetry import parse_batch
from mlplatform.kernel.errors import InvalidInput, TooLarge
from tests.points import rows

KEYS = {"attempt": 1, "fence": 1, "rank": 0, "seq": 1}
POINT: dict[str, Any] = {"name": "loss", "steps": [1], "values": [0.5], "times": [1.0]}


def packed(kind: str, *numbers: float) -> bytes:
    return array(kind, numbers).tobytes()


def test_a_heartbeat_is_an_empty_batch() -> None:
    batch = parse_batch(KEYS)
    assert (batch.points, batch.log, batch.progress, batch.checkpoint, batch.end) == (
        {},
        Printed(),
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"attempt": 0}, "attempt is 0"),
        ({"fence": "7"}, "fence is 7"),
        ({"seq": 1.5}, "seq is 1.5"),
        ({"rank": True}, "rank is True"),
        ({"seq": 2**70}, "seq is"),
        ({"points": {}}, "list"),
        ({"points": [POINT | {"times": ["nan"]}]}, "not a time"),
        ({"points": [POINT], "rank": 1}, "loss came from rank 1"),
        ({"points": [POINT | {"name": "system/10/cpu"}], "rank": 1}, "system/10/cpu came from rank 1"),
        ({"attempt": 2**31}, "attempt is"),
        ({"checkpoint": {"path": "/" + "x" * 1000, "step": 1}}, "at most 1000"),
        ({"points": ["x"]}, "object"),
        ({"points": [POINT | {"name": ""}]}, "1 to 200"),
        ({"points": [POINT | {"name": "x" * 10**6}]}, "1 to 200"),
        ({"points": [POINT | {"steps": [1, 2]}]}, "equal length"),
        ({"points": [POINT | {"values": 3}]}, "equal length"),
        ({"points": [POINT | {"steps": [-1]}]}, "whole number"),
        ({"points": [POINT | {"steps": [2**63]}]}, "whole number"),
        ({"points": [POINT | {"values": ["x"]}]}, "not a number"),
        ({"points": [POINT | {"values": [None]}]}, "not a number"),
        ({"points": [POINT | {"values": [True]}]}, "not a number"),
        ({"points": [POINT | {"steps": [True]}]}, "whole number"),
        ({"points": [POINT | {"steps": [1.0]}]}, "whole number"),
        ({"points": [POINT | {"steps": b"1234567"}]}, "each of its numbers must have 8"),
        ({"points": [POINT | {"steps": packed("q", -1)}]}, "whole number"),
        ({"points": [POINT | {"steps": packed("q", 2**62)}]}, "whole number"),
        ({"points": [POINT | {"values": packed("d", 1, 2)}]}, "equal length"),
        ({"points": [POINT | {"times": packed("d", math.inf)}]}, "not a time"),
        ({"progress": "half"}, "not a number"),
        ({"checkpoint": {"step": 1}}, "path"),
        ({"checkpoint": {"path": "/c", "step": -1}}, "step is -1"),
        ({"end": {"outcome": "done"}}, "completed, failed, stopped"),
    ],
)
def test_a_malformed_batch_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_batch(KEYS | change)
    assert words in caught.value.message
    assert len(caught.value.message) < 300


def test_too_many_metrics_are_too_large_rather_than_wrong_so_that_the_sender_splits_them() -> None:
    with pytest.raises(TooLarge):
        parse_batch(KEYS | {"points": [POINT] * 1001})


def test_too_many_points_are_to_be_split_as_well() -> None:
    columns = {
        key: packed("q" if key == "steps" else "d", *[1] * 50_001) for key in ("steps", "values", "times")
    }
    many = [{"name": name, **columns} for name in ("a", "b")]
    assert len(parse_batch(KEYS | {"points": many[:1]}).points["a"]) == 50_001
    with pytest.raises(TooLarge, match="100,000 points"):
        parse_batch(KEYS | {"points": many})


@given(
    st.lists(
        st.tuples(st.integers(0, 2**62 - 1), st.floats(), st.floats(allow_nan=False, allow_infinity=False)),
        max_size=20,
    )
)
def test_packed_columns_and_lists_say_the_same(points: list[tuple[int, float, float]]) -> None:
    steps, values, times = ([point[at] for point in points] for at in range(3))
    lists = POINT | {"steps": steps, "values": values, "times": times}
    words = lists | {"values": [value if math.isfinite(value) else str(value) for value in values]}
    bytes_ = {"steps": packed("q", *steps), "values": packed("d", *values), "times": packed("d", *times)}
    expected = sorted(points, key=lambda point: point[0])
    for sent in (lists, json.loads(json.dumps(words)), POINT | bytes_):
        found = parse_batch(KEYS | {"points": [sent]}).points
        assert repr([rows(item) for item in found.values()]) == repr([expected] if points else [])


def test_huge_integers_become_infinite() -> None:
    value = json.loads("1" + "0" * 400)
    assert parse_batch(KEYS | {"points": [POINT | {"values": [value]}]}).points["loss"].values.tolist() == [
        math.inf
    ]


@pytest.mark.parametrize(("given", "taken"), [(0.5, 0.5), (7, 1.0), (-1, 0.0), ("nan", None)])
def test_progress_stays_between_0_and_1(given: Any, taken: float | None) -> None:
    assert parse_batch(KEYS | {"progress": given}).progress == taken


def test_text_that_postgres_cannot_store_is_replaced() -> None:
    assert parse_batch(KEYS | {"log": "a\x00b\ud800\n"}).log.text == "a\ufffdb?\n"
    assert parse_batch(KEYS | {"log_open": "a\x00b"}).log.open == "a\ufffdb"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"log": "no end"}, "log"),
        ({"log": "a\n", "log_times": [[1, 5.0]]}, "log_times"),
        ({"log": "a\nb\n", "log_times": [[1, 5.0], [0, 6.0]]}, "log_times"),
        ({"log": "a\n", "log_times": [[0, float("nan")]]}, "log_times"),
        ({"log": "a\n", "log_times": [[True, 5.0]]}, "log_times"),
        ({"log": "a\n", "log_times": [0]}, "log_times"),
        ({"log": "a\n", "log_times": 7}, "log_times"),
    ],
)
def test_a_log_is_whole_lines_with_times_in_order(content: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_batch(KEYS | content)
    assert refused.value.field == field


def test_metrics_of_a_checkpoint_can_be_stored_as_json() -> None:
    report = {"path": "/c", "step": 1, "metrics": {"loss": float("nan"), "acc": "inf", "n": 2}}
    checkpoint = parse_batch(KEYS | {"checkpoint": report}).checkpoint
    assert checkpoint is not None
    assert checkpoint.metrics == {"loss": "nan", "acc": "inf", "n": 2.0}


@pytest.mark.parametrize("content", [None, [], "x", 1])
def test_a_batch_is_an_object(content: Any) -> None:
    with pytest.raises(InvalidInput):
        parse_batch(content)
