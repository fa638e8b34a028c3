"""Batches grow, split and shrink without losing or repeating a point."""

from math import inf

import pytest

from runners.harness.batches import MAX_POINTS, Draft, essentials, heartbeat, prepend_log, split, summary


def draft_with(points=0, log="", names=("loss",)):
    draft = Draft()
    for step in range(1, points + 1):
        draft.add_points(step, float(step), dict.fromkeys(names, step / 10), progress=None)
    if log:
        draft.add_log(log, 9.0)
    return draft


def rows(payload):
    return [
        (column["name"], *row)
        for column in payload["points"]
        for row in zip(column["steps"], column["values"], column["times"], strict=True)
    ]


def test_points_travel_in_columns():
    draft = Draft()
    draft.add_points(1, 10.0, {"loss": 0.5, "accuracy": inf}, progress=0.5)
    draft.add_points(2, 11.0, {"loss": 0.25}, progress=1.0)
    payload = draft.payload()
    assert payload["points"] == [
        {"name": "loss", "steps": [1, 2], "values": [0.5, 0.25], "times": [10.0, 11.0]},
        {"name": "accuracy", "steps": [1], "values": [inf], "times": [10.0]},
    ]
    assert payload["progress"] == 1.0


def test_a_draft_is_full_after_enough_points_or_one_checkpoint_or_the_end():
    assert draft_with(MAX_POINTS).full
    assert not draft_with(MAX_POINTS - 1).full
    draft = draft_with()
    draft.set_checkpoint({"path": "p", "step": 1, "metrics": {}})
    assert draft.full
    draft = draft_with()
    draft.set_end({"outcome": "completed", "cause": None})
    assert draft.full


def test_heartbeat_is_empty():
    assert Draft().empty
    assert rows(heartbeat()) == []
    assert heartbeat()["end"] is None


@pytest.mark.parametrize("names", [("loss",), ("loss", "accuracy"), tuple("abcdefg")])
def test_splitting_keeps_every_point_once(names):
    payload = draft_with(9, "text\n", names).payload()
    payload["end"] = {"outcome": "completed", "cause": None}
    pieces = [payload]
    while any(sum(len(c["steps"]) for c in piece["points"]) > 1 for piece in pieces):
        pieces = [part for piece in pieces for part in (split(piece) or [piece])]
    assert sorted(row for piece in pieces for row in rows(piece)) == sorted(rows(payload))
    assert "".join(piece["log"] for piece in pieces) == "text\n"
    assert [piece["end"] is not None for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def timed(payload):
    """Each line with its time."""
    marks = dict(payload["log_times"])
    found, when = [], None
    for number, line in enumerate(payload["log"].splitlines()):
        when = marks.get(number, when)
        found.append((line, when))
    return found


@pytest.mark.parametrize(
    "pieces", [["a\nb\nc\n"], ["a\n", "b\nc\n", "d\n"], [f"{n}\n" * 5 for n in range(20)]]
)
def test_logs_are_split_between_lines_when_there_are_no_points_left(pieces):
    draft = Draft()
    for when, lines in enumerate(pieces):
        draft.add_log(lines, float(when))
    draft.set_open("50%")
    whole = draft.payload()
    parts = [whole]
    while any(part["log"].count("\n") > 1 for part in parts):
        parts = [half for part in parts for half in (split(part) or [part])]
    assert len(parts) == whole["log"].count("\n")
    assert [line for part in parts for line in timed(part)] == timed(whole)
    assert [part["log_open"] for part in parts] == [None] * (len(parts) - 1) + ["50%"]


def test_what_is_said_later_may_come_first():
    payload = draft_with(0, "a\nb\n").payload()
    payload = prepend_log(payload, "one\ntwo\n", 5.0)
    assert timed(payload) == [("one", 5.0), ("two", 5.0), ("a", 9.0), ("b", 9.0)]


def test_open_rows_are_news_also_when_there_are_none_any_more():
    draft = Draft()
    draft.set_open("")
    assert not draft.empty
    assert essentials(draft.payload()) is None


def test_what_is_small_cannot_be_split():
    assert split(draft_with(1, "short\n").payload()) is None


def test_essentials_are_checkpoint_and_end():
    payload = draft_with(3, "log\n").payload()
    assert essentials(payload) is None
    payload["end"] = {"outcome": "completed", "cause": None}
    rest = essentials(payload)
    assert rest is not None
    assert rest["end"] == payload["end"]
    assert rest["points"] == []
    assert essentials(rest) is None, "once it is bare, there is nothing left to strip"


def test_summary_says_what_would_be_lost():
    assert summary(draft_with(2, "ab\n", ("a", "b")).payload()) == "4 points, 3 characters of log"
