"""What `report` does, with Ray's storage replaced by a dictionary."""

from dataclasses import dataclass, field, replace

import pytest

from runners.harness.consensus import Consensus
from runners.harness.protocol import LeaseLost, StopRun
from runners.harness.session import CheckpointOptions, RunSession
from runners.harness.stream import Stream
from tests.runners.harness.test_stream import FAST, eventually


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


def test_a_lost_lease_raises(portal, session, stream, run):
    with portal.lock:
        run.fence += 1
    eventually(lambda: stream.lost)
    with pytest.raises(LeaseLost):
        session.report({"loss": 1.0})
