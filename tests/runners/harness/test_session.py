"""What `report` does, with Ray's storage replaced by a dictionary."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from runners.harness.consensus import Consensus
from runners.harness.protocol import LeaseLost, StopRun
from runners.harness.session import CheckpointOptions, RunSession
from runners.harness.stream import Stream
from tests.runners.harness.conftest import eventually
from tests.runners.harness.test_consensus import together
from tests.runners.harness.test_stream import FAST


@dataclass
class DictStore:
    """Checkpoints are strings; persisting one moves it to a path."""

    saved: dict = field(default_factory=dict)
    discarded: list = field(default_factory=list)

    def persist(self, checkpoint, folder):
        self.saved[f"/runs/{folder}"] = checkpoint
        return f"/runs/{folder}"

    def adopt(self, checkpoint):
        return f"/adopted/{checkpoint}"

    def open(self, path):
        return self.saved.get(path, f"opened {path}")

    def discard(self, checkpoint):
        self.discarded.append(checkpoint)


def quiet_stream() -> Any:
    """Takes everything and orders nothing."""
    nothing = {"stop_requested": False, "pause_requested": False, "over": False}
    return SimpleNamespace(**nothing, points=lambda *points: None, checkpoint=lambda *checkpoint: None)


@pytest.fixture
def stream(client, lease):
    stream = Stream(client, lease, 0, pace=FAST)
    stream.start()
    yield stream
    stream.close()


@pytest.fixture
def store():
    return DictStore()


@pytest.fixture
def session(lease, stream, store):
    return RunSession(lease, Consensus(None, 0, 1), stream, store)


def test_reports_become_numbered_points_and_progress(session, stream, run):
    for epoch in range(4):
        session.report({"loss": 1.0 - epoch / 4, "note": "text"})
    session.leave()
    stream.finish("completed")
    assert run.points["loss"] == [(1, 1.0), (2, 0.75), (3, 0.5), (4, 0.25)]
    assert run.progress == [1.0]
    assert run.log.count("'note' is not recorded") == 1


def test_progress_can_be_reported(session, stream, run):
    session.report({"progress": 0.25})
    stream.finish("completed")
    assert run.progress == [0.25]


def test_a_checkpoint_is_saved_told_and_current(session, stream, store, run):
    assert session.checkpoint() is None
    session.report({"loss": 0.5}, "weights")
    assert store.saved == {"/runs/1-000001": "weights"}
    assert session.checkpoint() == "weights"
    assert [(r.checkpoint, r.metrics) for r in session.reported] == [("weights", {"loss": 0.5})]
    stream.finish("completed")
    assert run.checkpoints == [{"path": "/runs/1-000001", "step": 1, "metrics": {"loss": 0.5}}]


def test_a_resumed_run_counts_on(lease, stream, store):
    resumed = replace(lease, attempt=2, first_step=5, checkpoint_path="/runs/1-000005")
    session = RunSession(resumed, Consensus(None, 0, 1), stream, store)
    assert session.checkpoint() == "opened /runs/1-000005"
    session.report({"loss": 1.0}, "weights")
    assert list(store.saved) == ["/runs/2-000006"]
    assert session.checkpoint() == "weights"


def test_ways_to_save(session, store):
    session.report({}, "a", CheckpointOptions(folder="named"))
    session.report({}, "b", CheckpointOptions(delete_local=True))
    session.report({}, "c", CheckpointOptions(upload=False))
    session.report({}, "d", CheckpointOptions(upload_fn=lambda checkpoint, folder: f"{checkpoint}@{folder}"))
    assert store.saved == {"/runs/named": "a", "/runs/1-000002": "b"}
    assert store.discarded == ["b"]
    assert [r.checkpoint for r in session.reported[2:]] == ["opened /adopted/c", "opened /adopted/d@1-000004"]


def test_stop_raises_at_the_next_report_and_at_every_one_after(session, stream, run):
    session.report({"loss": 1.0})
    run.stop_at_step = 1
    eventually(lambda: stream.stop_requested)
    with pytest.raises(StopRun):
        session.report({"loss": 2.0})
    with pytest.raises(StopRun):
        session.report({"loss": 3.0})
    stream.finish("stopped")
    assert run.points["loss"] == [(1, 1.0), (2, 2.0)], "the report that was told to stop still counts"


def test_a_stop_is_not_an_exception_that_user_code_swallows(session, stream, run):
    run.stop_at_step = 1
    with pytest.raises(StopRun):  # noqa: PT012  # the loop is the user's
        while True:
            try:
                session.report({"loss": 1.0})
            except Exception:  # noqa: BLE001
                pytest.fail("swallowed")


def test_a_thread_of_an_earlier_run_cannot_report_to_this_one(lease, stream, store, run):
    with ThreadPoolExecutor(1) as leftover:
        leftover.submit(int).result(timeout=10)
        session = RunSession(lease, Consensus(None, 0, 1), stream, store)
        with pytest.raises(RuntimeError, match="earlier run"):
            leftover.submit(session.report, {"loss": 666.0}).result(timeout=10)
    with ThreadPoolExecutor(1) as own:
        own.submit(session.report, {"loss": 1.0}).result(timeout=10)
    stream.finish("completed")
    assert run.points["loss"] == [(1, 1.0)]


def test_nothing_is_reported_to_a_run_that_is_over(session, stream, run):
    session.report({"loss": 1.0})
    session.leave()
    with ThreadPoolExecutor(1) as own, pytest.raises(RuntimeError, match="has returned"):
        own.submit(session.report, {"loss": 2.0}).result(timeout=10)
    stream.finish("completed")
    assert run.points["loss"] == [(1, 1.0)]


def test_threads_of_one_run_may_report_at_once(lease, ranks):
    sessions = [RunSession(lease, consensus, quiet_stream(), DictStore()) for consensus in ranks]

    def train(rank):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: sessions[rank].report({}), range(200)))
        sessions[rank].leave()
        return sessions[rank]._step

    assert together(ranks, lambda consensus: train(consensus.rank)) == [200] * len(ranks)


def test_a_lost_lease_raises(portal, session, stream, run):
    with portal.lock:
        run.fence += 1
    eventually(lambda: stream.lost)
    with pytest.raises(LeaseLost):
        session.report({"loss": 1.0})


def test_a_pause_waits_for_a_report_with_a_checkpoint(session, stream, run):
    run.pause = True
    session.report({"loss": 1.0})
    eventually(lambda: stream.pause_requested)
    session.report({"loss": 2.0})
    with pytest.raises(StopRun, match="paused"):
        session.report({"loss": 3.0}, "weights")
    stream.finish("stopped")
    assert [step for step, _ in run.points["loss"]] == [1, 2, 3]
    assert [checkpoint["step"] for checkpoint in run.checkpoints] == [3]


def test_a_pause_that_was_taken_back_does_not_stop_it(session, stream, run):
    run.pause = True
    session.report({"loss": 1.0})
    eventually(lambda: stream.pause_requested)
    run.pause = False
    session.report({"loss": 2.0})
    eventually(lambda: not stream.pause_requested)
    session.report({"loss": 3.0}, "weights")


def test_a_pause_becomes_a_stop(session, stream, run):
    run.pause = True
    session.report({"loss": 1.0})
    eventually(lambda: stream.pause_requested)
    run.stop_at_step = 1
    session.report({"loss": 2.0})
    eventually(lambda: stream.stop_requested)
    with pytest.raises(StopRun, match="stop"):
        session.report({"loss": 3.0})


def test_all_ranks_pause_at_the_same_report_though_one_alone_was_told_and_another_saves(lease, ranks):
    told = [quiet_stream() for _ in ranks]
    sessions = [
        RunSession(lease, consensus, stream, DictStore())
        for consensus, stream in zip(ranks, told, strict=True)
    ]

    def train(rank):
        for number in range(1, 10):
            told[rank].pause_requested = rank == 0 and number >= 4
            try:
                sessions[rank].report({}, "weights" if rank == 1 and number % 3 == 0 else None)
            except StopRun:
                return number
        return None

    assert together(ranks, lambda consensus: train(consensus.rank)) == [6] * len(ranks)


def test_a_rank_that_has_left_keeps_others_company_while_they_save(lease, ranks):
    quiet: Any = SimpleNamespace(pause_requested=False, stop_requested=False, over=False)
    quiet.points = quiet.checkpoint = lambda *arguments: None

    def train(consensus):
        session = RunSession(lease, consensus, quiet, DictStore())
        for _ in range(3 * (consensus.rank == 0)):
            session.report({}, "weights")
        session.leave()
        return session.checkpoint()

    assert together(ranks, train)[0] == "weights"
