"""First in, first out, whether in memory or on disk."""

import json
from math import inf, isnan, nan

import pytest

from runners.harness.batches import Draft, heartbeat, weight
from runners.harness.spool import Spool


def item(number, size=10):
    return heartbeat() | {"number": number, "log": "x" * size}


def drain(spool):
    numbers = []
    while (payload := spool.head()) is not None:
        numbers.append(payload["number"])
        spool.pop()
    return numbers


def test_order_is_kept_over_memory_and_disk():
    spool = Spool(memory_bytes=200)
    for number in range(50):
        assert spool.append(item(number))
    assert spool.on_disk > 40
    assert len(spool) == 50
    assert drain(spool) == list(range(50))
    assert len(spool) == 0


def test_what_comes_while_the_disk_is_drained_stays_behind_it():
    spool = Spool(memory_bytes=100)
    for number in range(10):
        spool.append(item(number))
    assert spool.head() == item(0)
    spool.pop()
    spool.append(item(10))
    assert drain(spool) == list(range(1, 11))


def test_memory_is_used_again_after_the_disk_was_drained():
    spool = Spool(memory_bytes=100)
    for number in range(10):
        spool.append(item(number))
    drain(spool)
    spool.append(item(11))
    assert spool.on_disk == 0


def test_one_payload_larger_than_memory_is_taken():
    spool = Spool(memory_bytes=10)
    assert spool.append(item(1, size=1000))
    assert drain(spool) == [1]


def test_a_full_disk_is_reported_and_room_comes_back():
    spool = Spool(memory_bytes=50, disk_bytes=300)
    taken = [number for number in range(50) if spool.append(item(number))]
    assert len(taken) < 50
    assert drain(spool) == taken
    assert spool.append(item(99))
    assert drain(spool) == [99]


def test_head_is_replaced_in_place():
    spool = Spool(memory_bytes=10_000)
    for number in range(3):
        spool.append(item(number))
    spool.replace_head([item(10), item(11)])
    assert drain(spool) == [10, 11, 1, 2]


def test_clear_forgets_everything():
    spool = Spool(memory_bytes=50)
    for number in range(20):
        spool.append(item(number))
    spool.clear()
    assert spool.head() is None
    spool.append(item(5))
    assert drain(spool) == [5]


def test_only_what_goes_to_disk_is_made_text(monkeypatch):
    spool = Spool(memory_bytes=1000)
    monkeypatch.setattr("json.dumps", lambda *_, **__: pytest.fail("it is in memory"))
    assert spool.append(item(1))
    spool.replace_head([item(2), item(3)])
    assert drain(spool) == [2, 3]


def test_numbers_that_json_does_not_have_come_back_from_disk():
    draft = Draft()
    for step, value in enumerate((nan, inf, -inf, 0.5)):
        draft.add_points(step, 1.0, {"loss": value}, None)
    spool = Spool(memory_bytes=10)
    spool.append(item(1))
    spool.append(draft.payload())
    spool.pop()
    payload = spool.head()
    assert payload is not None
    [column] = payload["points"]
    assert isnan(column["values"][0])
    assert column["values"][1:] == [inf, -inf, 0.5]


@pytest.mark.parametrize(("points", "characters"), [(5_000, 0), (1, 100_000), (300, 3_000)])
def test_the_weight_is_about_that_of_the_text(points, characters):
    draft = Draft()
    for step in range(points):
        draft.add_points(step, 1_700_000_000.123 + step, {"loss": 1 / (step + 1)}, 0.5)
    if characters:
        draft.add_log("x" * characters + "\n", 1_700_000_000.0)
    payload = draft.payload()
    assert 0.7 < weight(payload) / len(json.dumps(payload)) < 1.4
