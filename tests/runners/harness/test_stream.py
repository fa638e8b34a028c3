"""Ordering, retry, gap, fence and refusal, against a real HTTP server on loopback."""

import threading
import time

import pytest

from runners.harness.batches import MAX_POINTS
from runners.harness.client import PortalClient
from runners.harness.pace import Pace
from runners.harness.protocol import Cause
from runners.harness.stream import Stream
from tests.runners.harness.conftest import eventually
from tests.runners.harness.fake_portal import TOKEN

FAST = Pace(interval_s=0.02, heartbeat_s=0.1, first_retry_s=0.02, max_retry_s=0.1, flush_s=5.0)


@pytest.fixture
def output():
    """Text that the run "printed" and that was not read yet."""
    return []


@pytest.fixture
def stream(client, lease, output):
    stream = Stream(client, lease, 0, read_output=lambda: output.pop(0) if output else "", pace=FAST)
    stream.start()
    yield stream
    stream.close()


def test_everything_arrives_in_order(stream, run, output):
    for step in range(1, 501):
        stream.points(step, {"loss": 1 / step, "accuracy": step / 500}, step / 500)
    output += ["first line\n", "second line\n"]
    assert stream.finish("completed")
    assert [step for step, _ in run.points["loss"]] == list(range(1, 501))
    assert len(run.points["accuracy"]) == 500
    assert run.logs[0] == "first line\nsecond line\n"
    assert run.progress[-1] == 1.0
    assert run.state == "completed"
    assert [batch["seq"] for batch in run.batches] == list(range(1, len(run.batches) + 1))


def test_a_bar_is_seen_while_it_moves_and_is_one_line_in_the_end(stream, run, output):
    output.append("epoch 1\n\r10%")
    eventually(lambda: run.open_rows[0] == "10%")
    output += ["\r20", "%\r9", "0%"]
    eventually(lambda: run.open_rows[0] == "90%")
    output.append("\r100%\nepoch 2\n")
    assert stream.finish("completed")
    assert (run.logs[0], run.open_rows[0]) == ("epoch 1\n100%\nepoch 2\n", "")
    assert all(when > 1e9 for batch in run.batches for _, when in batch["log_times"])


@pytest.mark.parametrize("rank", [0, 1])
def test_a_sequence_without_an_end_is_shown_at_the_end(client, lease, run, rank):
    printed = ["done \x1b]0;title without end"]
    stream = Stream(client, lease, rank, read_output=lambda: printed.pop() if printed else "", pace=FAST)
    stream.start()
    eventually(lambda: run.open_rows[rank] == "done ")
    assert stream.finish("completed") if rank == 0 else stream.flush()
    stream.close()
    assert run.open_rows[rank] == "done 0;title without end"


def test_all_that_was_printed_comes_before_the_end(client, lease, run, monkeypatch):
    monkeypatch.setattr("runners.harness.output.TURN", 10)
    lines = [f"line {number}\n" for number in range(50)]
    is_reading = threading.Event()

    def read():
        """The last lines are printed, and the end is asked for, when the first look has found nothing."""
        if not is_reading.is_set():
            is_reading.set()
            eventually(lambda: uploader._end)
            return ""
        return lines.pop(0) if lines else ""

    uploader = Stream(client, lease, 0, read_output=read, pace=FAST)
    uploader.start()
    is_reading.wait(10)
    assert uploader.finish("completed")
    uploader.close()
    assert run.logs[0].splitlines() == [f"line {number}" for number in range(50)]


def test_queueing_does_not_wait_for_the_network(portal, stream):
    portal.intercept = lambda path, body: time.sleep(0.5)
    stream.points(1, {"loss": 1.0})
    time.sleep(0.1)
    started = time.perf_counter()
    for step in range(1000):
        stream.points(step, {"loss": 1.0})
    assert time.perf_counter() - started < 0.25


def test_a_portal_that_is_behind_is_given_the_time_it_asks_for_within_reason(portal, stream, run):
    times = []

    def behind(path, body):
        times.append(time.monotonic())
        return (429, {"code": "busy"}) if len(times) < 3 else None

    portal.intercept = behind
    stream.points(1, {"loss": 1.0})
    assert stream.flush()
    assert run.points["loss"] == [(1, 1.0)]
    assert times[1] - times[0] >= FAST.max_retry_s


def test_a_checkpoint_comes_with_or_after_the_points_before_it(stream, run):
    for step in range(1, 4):
        stream.points(step, {"loss": 1.0})
        stream.checkpoint(f"/runs/x/1-{step:06d}", step, {"loss": 1.0})
    stream.finish("completed")
    assert [checkpoint["step"] for checkpoint in run.checkpoints] == [1, 2, 3]
    seen = 0
    for batch in run.batches:
        seen += sum(len(column["steps"]) for column in batch["points"])
        if batch["checkpoint"]:
            assert seen >= batch["checkpoint"]["step"]


def test_rank_zero_beats_when_there_is_nothing_to_say(stream, run):
    eventually(lambda: len(run.batches) >= 3)
    assert all(not batch["points"] and not batch["log"] for batch in run.batches)


def test_other_ranks_do_not_beat(client, lease, run):
    stream = Stream(client, lease, 1, pace=FAST)
    stream.start()
    time.sleep(0.3)
    stream.close()
    assert run.batches == []


def test_orders_are_remembered(portal, stream, run):
    portal.intercept = lambda path, body: (200, {"order": "stop", "expected": body["seq"] + 1})
    eventually(lambda: stream.stop_requested)
    portal.intercept = lambda path, body: (200, {"order": "drain", "expected": body["seq"] + 1})
    eventually(lambda: stream.drain_requested)
    assert stream.stop_requested


def test_nothing_is_lost_or_doubled_when_the_portal_goes_away_for_a_while(portal, stream, run):
    for step in range(1, 301):
        stream.points(step, {"loss": float(step)})
        if step in {50, 200}:
            eventually(lambda: run.points["loss"])
            portal.stop()
            time.sleep(0.1)
        if step in {100, 250}:
            portal.start()
        time.sleep(0.002)
    assert stream.finish("completed")
    assert run.points["loss"] == [(step, float(step)) for step in range(1, 301)]


def test_a_batch_whose_answer_was_lost_counts_once(portal, stream, run):
    """The portal commits the batch, then the connection breaks before the answer is out."""
    broken: list[object] = []

    def commit_then_fail(path, body):
        if body["points"] and not broken:
            broken.append(portal._batch(run, body))
            return 503, {}
        return None

    portal.intercept = commit_then_fail
    stream.points(1, {"loss": 1.0})
    stream.points(2, {"loss": 2.0})
    assert stream.finish("completed")
    assert broken
    assert run.points["loss"] == [(1, 1.0), (2, 2.0)]


def test_a_gap_is_closed_by_renumbering(portal, stream, run):
    stream.points(1, {"loss": 1.0})
    eventually(lambda: run.points["loss"])
    eventually(lambda: len(run.batches) >= 3)
    with portal.lock:  # the portal was restored from a backup that is two batches old
        run.expected[1, 0] -= 2
    stream.points(2, {"loss": 2.0})
    assert stream.finish("completed")
    assert run.points["loss"] == [(1, 1.0), (2, 2.0)]
    assert "it lost what was in between" in run.log


def test_a_fence_ends_the_stream_at_once(portal, stream, run):
    with portal.lock:
        run.fence += 1
    stream.points(1, {"loss": 1.0})
    eventually(lambda: stream.lost)
    assert stream.over
    stream.points(2, {"loss": 2.0})
    assert not stream.finish("completed", timeout_s=1.0)
    assert not run.points


def test_a_dead_token_ends_the_stream(portal, stream):
    portal.token = "another"
    eventually(lambda: stream.gone)


def test_what_is_too_large_is_split(portal, stream, run, output):
    def at_most_ten_points(path, body):
        points = sum(len(column["steps"]) for column in body["points"])
        return (413, {}) if points > 10 or len(body["log"]) > 2000 else None

    portal.intercept = at_most_ten_points
    for step in range(1, 101):
        stream.points(step, {"a": 1.0, "b": 2.0})
    output.append("x" * 99 + "\n")
    output.append(("y" * 99 + "\n") * 49)
    assert stream.finish("completed")
    assert run.points["a"] == [(step, 1.0) for step in range(1, 101)]
    assert len(run.points["b"]) == 100
    assert run.logs[0] == "x" * 99 + "\n" + ("y" * 99 + "\n") * 49


def test_a_refused_batch_is_dropped_loudly_but_its_end_is_not(portal, stream, run):
    portal.intercept = lambda path, body: (422, {"detail": "bad points"}) if body["points"] else None
    stream.points(1, {"loss": 1.0})
    assert stream.finish("completed")
    assert run.state == "completed"
    assert not run.points
    portal.intercept = lambda path, body: None


def test_a_refusal_is_told_in_the_log(portal, stream, run):
    portal.intercept = lambda path, body: (422, {"detail": "bad points"}) if body["points"] else None
    stream.points(1, {"loss": 1.0})
    eventually(lambda: "bad points" in run.log)
    assert "lost: 1 points" in run.log


def test_a_checkpoint_that_is_refused_again_is_given_up(portal, stream, run):
    refused = []

    def refuse(path, body):
        if body["checkpoint"]:
            refused.append(body)
            return 422, {"detail": "bad path"}
        return None

    portal.intercept = refuse
    stream.points(1, {"loss": 1.0})
    stream.checkpoint("/runs/x/1", 1, {})
    stream.points(2, {"loss": 0.5})
    assert stream.finish("completed")
    assert len(refused) == 2
    assert run.points["loss"] == [(2, 0.5)]
    assert run.log.splitlines() == [
        f"[mlp] the portal refused batch 1 (422 bad path); lost: {lost}, checkpoint."
        for lost in ("1 points, 0 characters of log", "0 points, 0 characters of log")
    ]


def test_an_end_that_is_refused_again_is_not_delivered(portal, stream, run):
    refused = []

    def refuse(path, body):
        if body["end"]:
            refused.append(body)
            return 422, {}
        return None

    portal.intercept = refuse
    stream.points(1, {"loss": 1.0})
    assert not stream.finish("completed")
    assert (len(refused), stream.over) == (2, False)


def test_the_cause_of_a_failure_arrives(stream, run):
    assert stream.finish("failed", Cause("user_error", "ValueError: x", "Traceback …"))
    assert run.end == {
        "outcome": "failed",
        "cause": {"code": "user_error", "message": "ValueError: x", "traceback": "Traceback …"},
    }


def test_flush_says_when_it_could_not_deliver(portal, stream):
    portal.stop()
    stream.points(1, {"loss": 1.0})
    assert not stream.flush(timeout_s=0.3)
    portal.start()
    assert stream.flush()


def test_a_long_outage_goes_to_disk_and_comes_back(portal, lease, run):
    # More than one batch waits, however the uploader cuts them: the first stays in memory, the last one is a draft.
    steps = range(1, 3 * MAX_POINTS)
    portal.stop()
    stream = Stream(PortalClient(portal.url, TOKEN), lease, 0, pace=FAST)
    stream._spool._memory_limit = 100_000
    stream.start()
    for step in steps:
        stream.points(step, {"loss": float(step)})
    eventually(lambda: stream._spool.on_disk)
    portal.start()
    assert stream.finish("completed")
    assert run.points["loss"] == [(step, float(step)) for step in steps]
    stream.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_the_uploader_does_not_hang_the_run(client, lease):
    def broken():
        raise OSError("disk on fire")

    stream = Stream(client, lease, 0, read_output=broken, pace=FAST)
    stream.start()
    assert not stream.finish("completed", timeout_s=5.0)
    stream.close()
    assert stream.lost


def test_the_end_brings_the_next_order_along(portal, stream, run):
    run.group = "g"
    following = portal.add()
    stream.points(1, {"loss": 1.0})
    assert stream.finish("completed", group="g")
    assert stream.next_order["run"]["id"] == following.id
    assert len(run.batches) == 1


def test_an_end_that_asks_for_nothing_gets_nothing(portal, stream):
    portal.add()
    assert stream.finish("completed")
    assert stream.next_order is None


def test_what_comes_after_a_pause_does_not_wait_for_more(client, lease, run):
    stream = Stream(client, lease, 0, pace=Pace(interval_s=600.0))
    stream._last_sent -= 600.0
    stream.start()
    stream.points(1, {"loss": 1.0})
    eventually(lambda: len(run.points.get("loss", ())) == 1)
    stream.points(2, {"loss": 0.5})
    assert stream.flush()
    assert [step for step, _ in run.points["loss"]] == [1, 2]
    stream.close()


def test_what_is_reported_while_a_batch_is_on_its_way_waits_for_the_next_one(portal, client, lease, run):
    stream = Stream(client, lease, 0, pace=Pace(interval_s=600.0))
    stream._last_sent -= 600.0
    portal.intercept = lambda path, body: stream.points(2, {"loss": 0.5}) if body["seq"] == 1 else None
    stream.start()
    stream.points(1, {"loss": 1.0})
    eventually(lambda: run.batches)
    time.sleep(0.1)
    stream.points(3, {"loss": 0.25})
    assert stream.flush()
    stream.close()
    assert [batch["points"][0]["steps"] for batch in run.batches] == [[1], [2, 3]]
