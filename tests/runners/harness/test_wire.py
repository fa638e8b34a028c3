"""What is sent means the same, with and without msgpack."""

import json
import sys
from array import array
from math import inf, nan

import msgpack
import pytest

from runners.harness import wire
from tests.runners.harness.fake_portal import decode

PAYLOAD = {
    "seq": 1,
    "points": [{"name": "loss", "steps": [1, 2, 3], "values": [0.5, -0.0, 1e300], "times": [1.0, 2.0, 3.0]}],
    "log": "ä",
    "progress": 0.5,
}


def test_columns_are_packed():
    body, kind = wire.encode(PAYLOAD)
    sent = msgpack.unpackb(body)
    assert sent["points"][0]["steps"] == array("q", [1, 2, 3]).tobytes()
    assert decode(body, kind) == PAYLOAD
    assert len(body) < len(json.dumps(PAYLOAD)) + 24


@pytest.mark.parametrize("payload", [{}, {"points": []}, {"group": "g"}])
def test_whatever_has_no_points_goes_as_it_is(payload):
    assert decode(*wire.encode(payload)) == payload


@pytest.mark.parametrize("packed", [True, False])
def test_what_json_cannot_say_goes_as_words(monkeypatch, packed):
    if not packed:
        monkeypatch.setattr(wire, "msgpack", None)
    column = {"name": "loss", "steps": [1] * 4, "values": [1.5, nan, inf, -inf], "times": [1.0] * 4}
    [sent] = decode(*wire.encode({"points": [column]}))["points"]
    assert sent["values"] == [1.5, "nan", "inf", "-inf"]


@pytest.mark.parametrize("packed", [True, False])
def test_text_that_is_no_unicode_does_not_stop_a_batch(monkeypatch, packed):
    if not packed:
        monkeypatch.setattr(wire, "msgpack", None)
    said = decode(*wire.encode({"log": "a\udcffb"}))["log"]
    assert (said[0], said[-1]) == ("a", "b")


def test_without_the_package_it_is_json(monkeypatch):
    monkeypatch.setattr(wire, "msgpack", None)
    body, kind = wire.encode(PAYLOAD)
    assert kind == "application/json"
    assert json.loads(body) == PAYLOAD


def test_bytes_are_little_endian_everywhere(monkeypatch):
    monkeypatch.setattr(sys, "byteorder", "big")
    swapped = array("q", [1])
    swapped.byteswap()
    sent = msgpack.unpackb(
        wire.encode({"points": [{"name": "x", "steps": [1], "values": [], "times": []}]})[0]
    )
    assert sent["points"][0]["steps"] == swapped.tobytes()
