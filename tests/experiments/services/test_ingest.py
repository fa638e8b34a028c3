import math
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from experiments.models import Checkpoint, Experiment, LogChunk, MetricBatch, Run, RunMetric, TrackingSync
from experiments.selectors.series import series
from experiments.services import lifecycle, logs
from experiments.services.control import run_cancel
from experiments.services.ingest import Gap, Receipt, batch_ingest
from experiments.telemetry import parse_batch
from mlplatform.kernel import clock
from mlplatform.kernel.errors import NotFound
from runners.models import Allocation, Lease
from runners.services.leases import Fenced
from tests.experiments.services.sender import Sender, points
from tests.logs import told


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


def test_a_batch_that_comes_again_has_its_page_ask_for_the_log(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(logs, "publish", lambda groups, event: told.append(event["what"]))
    for _ in range(2):
        sender.send(seq=1, log="hello\n")
    assert told == ["log", "log"]


def test_a_gap_names_what_is_missing_and_stores_nothing(sender: Sender) -> None:
    with pytest.raises(Gap) as caught:
        sender.send(seq=3, points=points(1.0))
    assert caught.value.details == {"expected": 1}
    assert not MetricBatch.objects.exists()


def test_each_rank_tells_of_its_machine(sender: Sender, leased: Any) -> None:
    for rank in range(2):
        each = sender if rank == 0 else Sender(leased, rank)
        each.send(points=points(50.0, name=f"system/{rank}/cpu_utilization_percentage"), log=f"rank {rank}\n")
    assert RunMetric.objects.filter(name__startswith="system/").count() == 2
    assert LogChunk.objects.count() == 2


def test_non_finite_values(sender: Sender) -> None:
    sender.send(points=points("nan", 1.0, "inf", "-inf", "nan"))
    summary = RunMetric.objects.get()
    assert math.isnan(summary.last)
    assert (summary.min, summary.max, summary.count) == (-math.inf, math.inf, 5)
    assert len(series([sender.run], ["loss"])[0].points) == 5


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


def ask_to_stop(run: Run, reason: str, seconds_ago: float = 0) -> None:
    at = clock.now() - timedelta(seconds=seconds_ago)
    Run.objects.filter(pk=run.pk).update(stop_reason=reason, stop_requested_at=at)


def test_a_pause_is_ordered_first_and_a_stop_when_no_checkpoint_came(sender: Sender, settings: Any) -> None:
    ask_to_stop(sender.run, "paused")
    assert sender.send().order == "pause"
    ask_to_stop(sender.run, "paused", settings.PAUSE_GRACE_SECONDS + 1)
    assert sender.send().order == "stop"
    ask_to_stop(sender.run, "")
    assert sender.send().order == "continue"


STOPPED = {
    "canceled": ("canceled", "", ""),
    "pruned": ("pruned", "", ""),
    "budget": ("canceled", "budget_time", "used up its 2 hours"),
    "target": ("canceled", "target_reached", "accuracy at least 0.9"),
    "paused": ("queued", "", ""),
}


@pytest.mark.parametrize("reason", STOPPED)
@pytest.mark.parametrize("outcome", ["stopped", "failed"])
def test_why_it_was_stopped_decides_what_becomes_of_it(sender: Sender, outcome: str, reason: str) -> None:
    Experiment.objects.update(max_seconds=7200, target=0.9)
    ask_to_stop(sender.run, reason)
    sender.end(outcome, code="user_error", message="on the way out")
    run = Run.objects.get(pk=sender.run.pk)
    state, code, words = STOPPED[reason]
    assert (run.state, run.cause_code, run.failures, run.losses) == (state, code, 0, 0)
    assert words in run.cause_message


def test_a_pruned_run_that_made_its_last_report_first_is_complete(sender: Sender) -> None:
    ask_to_stop(sender.run, "pruned")
    sender.send(progress=1.0)
    sender.end("stopped")
    assert Run.objects.get(pk=sender.run.pk).state == "completed"


def test_one_that_stopped_though_the_pause_was_taken_back_goes_on(sender: Sender) -> None:
    sender.end("stopped")
    assert Run.objects.get(pk=sender.run.pk).state == "queued"


def test_a_paused_run_goes_back_to_the_queue_unmarked(sender: Sender) -> None:
    ask_to_stop(sender.run, "paused")
    sender.send(
        checkpoint={"path": "/c/1", "step": 1, "metrics": {}}, end={"outcome": "stopped", "cause": None}
    )
    run = Run.objects.get(pk=sender.run.pk)
    assert (run.stop_reason, run.stop_requested_at, run.ended_at) == ("", None, None)
    assert (run.attempts.get().outcome, run.attempts.get().cause_code) == ("paused", "")
    assert run.events.latest("id").kind == "paused"
    assert not TrackingSync.objects.exists()


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
def test_an_objective_that_is_not_finite_stops_the_run_and_fails_it(sender: Sender, bad: str) -> None:
    Experiment.objects.update(max_retries=5)
    assert sender.send(points=points(0.5, 0.6, name="accuracy")).order == "continue"
    assert sender.send(points=points(0.7, bad, 0.9, name="accuracy", start=3)).order == "stop"
    sender.end("stopped")
    run = Run.objects.get(pk=sender.run.pk)
    assert (run.state, run.cause_code, run.failures) == ("failed", "objective_not_finite", 0)
    assert f"accuracy was {bad} at step 4" in run.cause_message


def test_other_metrics_may_be_anything(sender: Sender) -> None:
    assert sender.send(points=points("nan") + points(0.5, name="accuracy")).order == "continue"
    sender.end("completed")
    assert Run.objects.get(pk=sender.run.pk).state == "completed"


def test_an_exception_because_of_it_keeps_its_traceback(sender: Sender) -> None:
    end = {"outcome": "failed", "cause": {"code": "user_error", "message": "no", "traceback": "Traceback …"}}
    sender.send(points=points("nan", name="accuracy"), end=end)
    run = Run.objects.get(pk=sender.run.pk)
    assert (run.cause_code, run.cause_traceback) == ("objective_not_finite", "Traceback …")


@pytest.mark.parametrize(
    ("values", "state"), [((0.5, "nan"), "failed"), (("nan", 0.5), "completed"), ((0.5,), "completed")]
)
def test_a_run_that_completes_before_it_could_be_stopped_is_judged_by_its_last_value(
    sender: Sender, values: tuple[Any, ...], state: str
) -> None:
    sender.send(points=points(*values, name="accuracy"), end={"outcome": "completed", "cause": None})
    run = Run.objects.get(pk=sender.run.pk)
    assert run.state == state
    assert run.cause_code == ("objective_not_finite" if state == "failed" else "")


def test_not_finite_outranks_a_pause_and_nothing_else(sender: Sender) -> None:
    ask_to_stop(sender.run, "paused")
    sender.send(points=points("nan", name="accuracy"))
    assert Run.objects.get(pk=sender.run.pk).stop_reason == "not_finite"
    ask_to_stop(sender.run, "canceled")
    sender.send(points=points("nan", name="accuracy", start=2))
    assert Run.objects.get(pk=sender.run.pk).stop_reason == "canceled"


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
    assert told(first.run, attempt=1, rank=1) == ["bye"]


def test_what_rank_0_reported_counts_although_another_rank_ended_the_run_first(leased: Any) -> None:
    zero, one = Sender(leased), Sender(leased, rank=1)
    zero.send(points=points(1.0))
    one.end("failed", code="user_error", message="boom")
    TrackingSync.objects.update(synced_at=clock.now())
    zero.send(points=points(0.5, start=2), checkpoint={"path": "/c/2", "step": 2, "metrics": {}})
    zero.send(progress=0.1)
    run = Run.objects.get(pk=zero.run.pk)
    assert (run.state, run.cause_message, run.progress) == ("failed", "boom", 0.0)
    assert series([run], ["loss"])[0].points.values.tolist() == [1.0, 0.5]
    assert run.checkpoints.get().step == 2
    assert TrackingSync.objects.get().synced_at is None


def test_a_tail_that_comes_after_the_next_attempt_began_is_only_logged(leased: Any) -> None:
    zero, one = Sender(leased), Sender(leased, rank=1)
    one.end("failed", code="user_error", message="boom")
    Run.objects.filter(pk=zero.run.pk).update(attempts_made=2)
    zero.send(points=points(1.0), log="late\n")
    assert not MetricBatch.objects.exists()
    assert told(zero.run, attempt=1) == ["late"]


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


def test_each_rank_has_a_log_of_its_own(leased: Any) -> None:
    zero, one = Sender(leased), Sender(leased, rank=1)
    zero.send(log="a\n")
    one.send(log="b\nc\n", log_open="50%")
    zero.send(log="dé\x00\n")
    run = Run.objects.get(pk=zero.run.pk)
    assert told(run) == ["a", "dé\ufffd"]
    assert told(run, rank=1) == ["b", "c", "50%"]


def test_a_lease_opens_its_own_run_only(leased: Any, experiment: Experiment) -> None:
    mine = Sender(leased)
    other = experiment.runs.get(number=2)
    Run.objects.filter(pk=other.pk).update(state="running", attempts_made=1)
    mine.run = other
    with pytest.raises(Fenced):
        mine.end("completed")
    other.refresh_from_db()
    assert other.state == "running"


def test_a_run_that_is_over_at_once_costs_few_queries(sender: Sender, django_assert_num_queries: Any) -> None:
    sender.allocation.refresh_from_db()
    keys = {"attempt": sender.lease["attempt"], "fence": sender.lease["fence"], "rank": 0, "seq": 1}
    end = {"outcome": "completed", "cause": None}
    batch = parse_batch(keys | {"points": points(1.0), "end": end})
    # Savepoint, run, stream, lease, summary read, names counted, points, summary written, lease, objective, run,
    # event, attempt, time of all attempts, outbox, checkpoints, stream, release.
    with django_assert_num_queries(18):
        batch_ingest(allocation=sender.allocation, run_id=sender.run.id, batch=batch)
    sender.run.refresh_from_db()
    assert sender.run.state == "completed"
    assert sender.run.tracking_sync.synced_at is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, False),
        ({"target": 0.9}, True),
        ({"search": {"method": "tpe", "runs": 50, "space": {"lr": {}}}}, True),
        ({"search": {"method": "random", "runs": 50, "space": {"lr": {}}}}, False),
    ],
)
def test_the_reconciler_hears_at_once_of_an_end_that_it_waits_for(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], told: bool
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(lifecycle, "enqueue", lambda name, *ids: sent.append(name))
    Experiment.objects.update(**change)
    sender.run.refresh_from_db()
    sender.end("completed")
    assert ("reconcile" in sent) == told
