"""What pages hear of a moment, and whether it is everything."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlplatform.http import rooms
from mlplatform.http.rooms import REFETCH, Room, Sequence


@given(st.data())
def test_a_message_that_never_comes_is_noticed_and_no_other(data: st.DataObject) -> None:
    """Whatever the order within the time between two looks, and wherever the count began."""
    start, count = data.draw(st.integers(0, 50)), data.draw(st.integers(0, 30))
    sent = list(range(start + 1, start + count + 1))
    lost = data.draw(st.sets(st.sampled_from(sent))) if sent else set()
    sequence = Sequence(start)
    for number in data.draw(st.permutations([number for number in sent if number not in lost])):
        sequence.hear(number)
    assert sequence.is_whole(start + count)
    assert sequence.is_whole(start + count) is not bool(lost)
    # It is said once, and the count goes on.
    assert sequence.is_whole(start + count)
    sequence.hear(start + count + 1)
    assert sequence.is_whole(start + count + 1)
    assert sequence.is_whole(start + count + 1)


def test_a_message_on_its_way_is_no_loss() -> None:
    sequence = Sequence(0)
    assert sequence.is_whole(1)
    sequence.hear(1)
    assert sequence.is_whole(2)


def test_a_counter_that_begins_anew_is_a_loss() -> None:
    sequence = Sequence(7)
    assert not sequence.is_whole(1)
    sequence.hear(2)
    assert sequence.is_whole(2)
    assert sequence.is_whole(2)


def points(first: int, last: int, *, attempt: int = 1, run: str = "r", name: str = "loss") -> dict[str, Any]:
    steps = list(range(first, last + 1))
    part = {"name": name, "attempt": attempt, "count": last, "steps": steps}
    part |= {"values": [0.5] * len(steps), "times": [float(step) for step in steps]}
    return {"what": "points", "run": run, "number": 3, "points": [part]}


def frame(room: Room, *names: str) -> Any:
    text = room.take().frame(names)
    return json.loads(text) if text else None


def test_points_that_follow_are_one_part() -> None:
    room = Room()
    room.gather([points(1, 2), points(3, 4), points(1, 1, run="other")], {"loss"})
    parts = frame(room, "loss")["points"]
    assert [(part["run"], part["steps"], part["count"]) for part in parts] == [
        ("r", [1, 2, 3, 4], 4),
        ("other", [1], 1),
    ]


def test_points_after_a_gap_or_of_a_new_attempt_are_another() -> None:
    room = Room()
    room.gather([points(1, 2), points(4, 5), points(6, 6, attempt=2)], {"loss"})
    assert [part["count"] for part in frame(room, "loss")["points"]] == [2, 5, 6]


def test_one_event_in_two_rooms_is_not_changed_by_either() -> None:
    event = points(1, 1)
    for room in (Room(), Room()):
        room.gather([event, points(2, 2)], {"loss"})
        assert frame(room, "loss")["points"][0]["steps"] == [1, 2]
    assert event == points(1, 1)


def test_points_that_nobody_shows_are_not_kept() -> None:
    room = Room()
    room.gather([points(1, 2 * rooms.MAX_POINTS, name="noise")], {"loss"})
    assert not room.news
    assert frame(room, "noise") is None


def test_who_shows_nothing_hears_only_what_changed() -> None:
    room = Room()
    room.gather([points(1, 2)], {"loss"})
    assert frame(room) is None
    room.gather([points(3, 3), {"what": "series", "run": "r"}], {"loss"})
    assert frame(room) == {"changed": ["series:r"], "points": []}


@given(st.lists(st.sampled_from([points(1, 700), {"what": "run", "run": "r"}]), max_size=30))
def test_a_frame_is_bounded(events: list[Any]) -> None:
    room = Room()
    for number, event in enumerate(events):
        room.gather([{**event, "run": str(number)}], {"loss"})
    taken = room.take()
    assert taken.points <= rooms.MAX_POINTS
    has_room = sum(event["what"] == "points" for event in events) * 700 <= rooms.MAX_POINTS
    assert (taken.frame(["loss"]) != REFETCH) is has_room


def test_news_of_several_groups_are_one_frame() -> None:
    one, other = Room(), Room()
    one.gather([{"what": "run", "run": "r1"}, points(1, 2)], {"loss"})
    other.gather([{"what": "experiment", "experiment": "e"}, {"what": "run", "run": "r1"}], ())
    found = json.loads(rooms.together([one.take(), other.take()]).frame(["loss"]) or "")
    assert found["changed"] == ["run:r1", "experiment:e"]
    assert len(found["points"]) == 1
    one.lose()
    assert rooms.together([one.take(), other.take()]).frame([]) == REFETCH
