import math
from typing import Any

import pytest

from accounts.models import User
from experiments.models import Checkpoint, Experiment, LogChunk, MetricBatch, Run, RunMetric, TrackingSync
from experiments.selectors.logs import log_tail
from experiments.selectors.series import series
from experiments.services.control import run_cancel
from experiments.services.ingest import Fenced, Gap, Receipt, batch_ingest
from experiments.telemetry import parse_batch
from mlplatform.kernel.errors import NotFound
from runners.models import Allocation, Lease


class Sender:
    """A rank of the harness."""

    def __init__(self, leased: tuple[Allocation, Run, dict[str, Any]], rank: int = 0) -> None:
        self.allocation, self.run, self.lease = leased
        self.rank = rank
        self.seq = 0

    def send(self, *, seq: int | None = None, **content: Any) -> Receipt:
        self.seq = seq or self.seq + 1
        keys = {
            "attempt": self.lease["attempt"],
            "fence": self.lease["fence"],
            "rank": self.rank,
            "seq": self.seq,
        }
        self.allocation.refresh_from_db()
        return batch_ingest(allocation=self.allocation, run_id=self.run.id, batch=parse_batch(keys | content))

    def end(self, outcome: str, **cause: str) -> Receipt:
        return self.send(end={"outcome": outcome, "cause": cause or None})


@pytest.fixture
def sender(leased: Any) -> Sender:
    return Sender(leased)


def points(*values: Any, name: str = "loss", start: int = 1) -> list[dict[str, Any]]:
    steps = list(range(start, start + len(values)))
    return [{"name": name, "steps": steps, "values": list(values), "times": [float(s) for s in steps]}]


def test_points_are_stored_as_one_row_and_summarised(sender: Sender) -> None:
    assert sender.send(points=points(3.0, 1.0, 2.0), progress=0.5) == Receipt("continue", 2)
    batch = MetricBatch.objects.get()
    assert (batch.steps, batch.values) == ([1, 2, 3], [3.0, 1.0, 2.0])
    summary = RunMetric.objects.get()
    assert (summary.last, summary.min, summary.min_step, summary.max, summary.count) == (2.0, 1.0, 2, 3.0, 3)
    sender.run.refresh_from_db()
    assert (sender.run.state, sender.run.progress) == ("running", 0.5)


def test_a_repeated_batch_changes_nothing(sender: Sender) -> None:
    for _ in range(2):
        assert sender.send(seq=1, points=points(1.0), log="hello\n").expected == 2
    assert RunMetric.objects.get().count == 1
    assert LogChunk.objects.count() == 1


def test_a_gap_names_what_is_missing_and_stores_nothing(sender: Sender) -> None:
    with pytest.raises(Gap) as caught:
        sender.send(seq=3, points=points(1.0))
    assert caught.value.details == {"expected": 1}
    assert not MetricBatch.objects.exists()


def test_non_finite_values(sender: Sender) -> None:
    sender.send(points=points("nan", 1.0, "inf", "-inf", "nan"))
    summary = RunMetric.objects.get()
    assert math.isnan(summary.last)
    assert (summary.min, summary.max, summary.count) == (-math.inf, math.inf, 5)
    assert len(series([sender.run.id], "loss")[0].values) == 5


def test_a_metric_named_twice_in_a_batch_is_one_series(sender: Sender) -> None:
    sender.send(points=points(1.0) + points(2.0, start=2))
    assert MetricBatch.objects.get().values == [1.0, 2.0]


def test_completed(sender: Sender) -> None:
    sender.send(points=points(1.0))
    sender.end("completed")
    sender.run.refresh_from_db()
    assert (sender.run.state, sender.run.progress) == ("completed", 1.0)
    assert sender.run.attempts.get().outcome == "completed"
    assert Lease.objects.get().release_reason == "completed"
    assert TrackingSync.objects.get().run == sender.run


def test_failed_keeps_cause_and_traceback(sender: Sender) -> None:
    sender.end("failed", code="user_error", message="ValueError: no", traceback="Traceback …")
    sender.run.refresh_from_db()
    assert (sender.run.state, sender.run.cause_code, sender.run.cause_message) == (
        "failed",
        "user_error",
        "ValueError: no",
    )
    assert sender.run.cause_traceback == "Traceback …"


def test_failed_within_the_retry_budget_is_queued_again(sender: Sender) -> None:
    Experiment.objects.update(max_retries=1)
    sender.end("failed", code="user_error", message="ValueError: no.")
    sender.run.refresh_from_db()
    assert (sender.run.state, sender.run.failures) == ("queued", 1)
    assert "Retry 1 of 1" in sender.run.events.latest("id").message


def test_stop_is_ordered_and_ends_as_canceled(sender: Sender, owner: User) -> None:
    sender.send()
    run_cancel(user=owner, run=sender.run)
    assert sender.send().order == "stop"
    sender.end("stopped")
    sender.run.refresh_from_db()
    assert sender.run.state == "canceled"


def test_an_old_lease_is_fenced(sender: Sender) -> None:
    Lease.objects.update(released_at="2026-01-01T00:00Z", release_reason="lease_lost")
    with pytest.raises(Fenced):
        sender.send(points=points(1.0))
    assert not MetricBatch.objects.exists()


def test_the_end_is_acknowledged_again_after_a_lost_answer(sender: Sender) -> None:
    sender.end("completed")
    sender.seq -= 1
    assert sender.end("completed").expected == 2


def test_last_words_of_another_rank_are_kept(leased: Any) -> None:
    first, second = Sender(leased), Sender(leased, rank=1)
    first.end("completed")
    second.send(log="bye\n", end={"outcome": "failed", "cause": {"code": "user_error", "message": "late"}})
    first.run.refresh_from_db()
    assert first.run.state == "completed"
    assert log_tail(first.run).text == "[rank 1] bye\n"


def test_the_first_failure_wins(leased: Any) -> None:
    Sender(leased, rank=1).end("failed", code="user_error", message="first")
    Sender(leased).end("failed", code="user_error", message="second")
    run = Run.objects.get(number=1)
    assert run.cause_message == "first"


def test_checkpoints_are_noted_once(sender: Sender) -> None:
    sender.send(checkpoint={"path": "/c/1", "step": 1, "metrics": {"loss": 1}})
    assert Checkpoint.objects.get().path == "/c/1"


def test_a_run_of_another_allocation_is_not_there(sender: Sender, experiment: Experiment) -> None:
    other = Allocation.objects.create(
        owner_id=sender.allocation.id,
        backend="local",
        workers=1,
        cpus_per_worker=1,
        gpus_per_worker=0,
        package_key="x",
    )
    sender.allocation = other
    with pytest.raises(NotFound):
        sender.send()


def test_logs_of_all_ranks_in_order(leased: Any) -> None:
    zero, one = Sender(leased), Sender(leased, rank=1)
    zero.send(log="a\n")
    one.send(log="b\nc\n")
    zero.send(log="dé\x00\n")
    tail = log_tail(zero.run)
    assert tail.text == "a\n[rank 1] b\n[rank 1] c\ndé\ufffd\n"
    assert not tail.truncated
    assert LogChunk.objects.filter(rank=0).latest("id").offset == 2
    cut = log_tail(zero.run, limit_bytes=6)
    assert cut.truncated
    assert cut.text.endswith("dé\ufffd\n")


def test_a_lease_opens_its_own_run_only(leased: Any, experiment: Experiment) -> None:
    mine = Sender(leased)
    other = experiment.runs.get(number=2)
    Run.objects.filter(pk=other.pk).update(state="running", attempts_made=1)
    mine.run = other
    with pytest.raises(Fenced):
        mine.end("completed")
    other.refresh_from_db()
    assert other.state == "running"
