"""The outbox with a tracker in memory: what is told, when, how often, and what people see meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from experiments.models import (
    Checkpoint,
    Experiment,
    MetricBatch,
    Run,
    TrackingSync,
)
from experiments.services import tracking_sync
from experiments.services.control import run_retry
from experiments.services.tracking_sync import sync_due
from experiments.tracking.port import RunStatus
from mlplatform.kernel import clock
from tests.experiments.conftest import Finish, sync_of
from tests.fakes.tracking_store import FakeTrackingStore


def test_ended_run_is_told(tracker: FakeTrackingStore, finish: Finish, experiment: Experiment) -> None:
    run = finish(1)
    sync_due()
    told = tracker.runs[str(run.id)].record
    assert (told.status, told.attempt, told.params) == (RunStatus.FINISHED, 1, run.params)
    assert told.experiment_name == f"{experiment.project.slug}/{experiment.slug}"
    assert told.url == f"http://127.0.0.1:8000{run.get_absolute_url()}"
    assert told.user == "olivia"
    wanted = {
        "mlplatform.code_sha256": experiment.bundle.sha256,
        "mlplatform.project": experiment.project.slug,
        "mlplatform.seed": str(run.seed),
        "mlplatform.env.torch": "2.13.0",
        "mlplatform.state": "completed",
    }
    assert wanted.items() <= told.tags.items()
    points = tracker.runs[str(run.id)].points["accuracy"].values()
    assert [(point.step, point.value) for point in points] == [(1, 0.5), (2, 0.9)]
    sync = sync_of(run)
    assert sync.synced_at is not None
    assert (sync.mlflow_run_id, sync.model_uri, sync.last_error) == ("t1", "", "")


@pytest.mark.parametrize(
    ("state", "status"),
    [("failed", RunStatus.FAILED), ("canceled", RunStatus.KILLED), ("pruned", RunStatus.KILLED)],
)
def test_other_ends(tracker: FakeTrackingStore, finish: Finish, state: str, status: RunStatus) -> None:
    run = finish(1, state, models_at=(1, 2))
    sync_due()
    assert tracker.runs[str(run.id)].record.status == status
    assert tracker.models == {}


def test_nothing_is_told_twice(tracker: FakeTrackingStore, finish: Finish) -> None:
    finish(1, models_at=(2,))
    sync_due()
    calls = list(tracker.calls)
    sync_due()
    assert tracker.calls == calls == ["record_run", "record_model"]


def test_run_still_open_is_not_told(tracker: FakeTrackingStore, finish: Finish, owner: Any) -> None:
    run = finish(1, "failed")
    run_retry(user=owner, run=run)
    sync_due()
    assert tracker.calls == []


def test_claimed_row_is_left_alone(tracker: FakeTrackingStore, finish: Finish) -> None:
    run = finish(1)
    row = sync_of(run)
    assert tracking_sync._claim(sync_of(run))
    assert not tracking_sync._claim(row)
    sync_due()
    assert tracker.calls == []


def test_claim_of_a_process_that_died_runs_out(
    tracker: FakeTrackingStore, finish: Finish, wait: Callable[[timedelta], None]
) -> None:
    run = finish(1)
    assert tracking_sync._claim(sync_of(run))
    wait(tracking_sync.CLAIM)
    sync_due()
    assert sync_of(run).synced_at is not None


def test_best_checkpoint_with_a_model_is_kept(tracker: FakeTrackingStore, finish: Finish) -> None:
    run = finish(1, accuracy=(0.1, 0.8, 0.7, 0.9, 0.2), models_at=(1, 2, 3, 5))
    sync_due()
    (model,) = tracker.model_records
    assert model.step == 2
    assert model.metrics["accuracy"].value == 0.8
    assert model.python_version == "3.11.2"
    assert sync_of(run).model_uri == "models:/m-1"
    assert (sync_of(run).model_size or 0) > 0


def test_last_checkpoint_without_an_objective(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment
) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(objective_metric="")
    finish(1, accuracy=(0.9, 0.8, 0.7), models_at=(1, 2))
    sync_due()
    assert [model.step for model in tracker.model_records] == [2]


def test_minimised_objective_and_values_that_are_none(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment
) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(objective_direction="minimize")
    run = finish(1, accuracy=(0.3, 0.1, 0.2), models_at=(1, 2, 3))
    Checkpoint.objects.filter(run=run, step=2).update(metrics={"accuracy": "nan"})
    sync_due()
    assert [model.step for model in tracker.model_records] == [3]


def test_model_of_somebody_else_is_not_taken(tracker: FakeTrackingStore, finish: Finish) -> None:
    other = finish(2, models_at=(1,))
    TrackingSync.objects.filter(run=other).delete()
    run = finish(1)
    stolen = Checkpoint.objects.filter(run=other, step=1).values_list("path", flat=True)[0]
    own = f"{Path(stolen).parent.parent / str(run.id)}"
    for step, path in ((1, stolen), (2, f"{own}/../{other.id}/{Path(stolen).name}")):
        Checkpoint.objects.filter(run=run, step=step).update(path=path)
    sync_due()
    assert (tracker.models, sync_of(run).model_uri) == ({}, "")


def test_broken_model_is_said_and_the_run_is_kept(tracker: FakeTrackingStore, finish: Finish) -> None:
    run = finish(1, models_at=(2,))
    Path(Checkpoint.objects.get(run=run, step=2).path, "model.pt2").write_bytes(b"torch.save")
    sync_due()
    sync = sync_of(run)
    assert sync.synced_at is not None
    assert "torch.export.save" in sync.last_error


def test_outage_is_shown_and_made_up_for(
    tracker: FakeTrackingStore, finish: Finish, wait: Callable[[timedelta], None]
) -> None:
    first, second = finish(1), finish(2)
    tracker.down = True
    sync_due()
    assert tracker.calls == ["record_run"], "one question is enough to know of the outage"
    assert sync_of(first).last_error == "the tracker does not answer"
    assert (sync_of(first).tries, sync_of(second).tries) == (1, 0)
    sync_due()
    assert tracker.calls == ["record_run"], "everybody waits for a moment"
    for _ in range(8):
        wait(timedelta(minutes=1))
        sync_due()
    longest = tracking_sync.OUTAGE_BACKOFF[1]
    assert sync_of(first).next_try_at - clock.now() <= longest
    tracker.down = False
    wait(longest)
    sync_due()
    for run in (first, second):
        sync = sync_of(run)
        assert sync.synced_at is not None
        assert sync.last_error == ""


def test_refusal_does_not_hold_up_the_others(
    tracker: FakeTrackingStore,
    finish: Finish,
    monkeypatch: pytest.MonkeyPatch,
    wait: Callable[[timedelta], None],
) -> None:
    bad, good = finish(1), finish(2)
    monkeypatch.setattr(tracker, "record_run", _refusing(tracker, bad))
    sync_due()
    assert "changed" in sync_of(bad).last_error
    assert sync_of(bad).synced_at is None
    assert sync_of(good).synced_at is not None
    monkeypatch.undo()


def test_bug_is_shown_and_does_not_hold_up_the_others(
    tracker: FakeTrackingStore, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = finish(1), finish(2)
    real = tracker.record_run

    def fail(record: Any) -> Any:
        if record.run_id == str(bad.id):
            raise ZeroDivisionError
        return real(record)

    monkeypatch.setattr(tracker, "record_run", fail)
    sync_due()
    assert sync_of(bad).last_error.startswith("Internal error (ZeroDivisionError)")
    assert sync_of(good).synced_at is not None


def test_retried_run_is_told_anew(tracker: FakeTrackingStore, finish: Finish, owner: Any) -> None:
    run = finish(1, "failed", accuracy=(0.1,))
    sync_due()
    run_retry(user=owner, run=run)
    MetricBatch.objects.filter(run=run).delete()
    Checkpoint.objects.filter(run=run).delete()
    finish(1, accuracy=(0.2, 0.3))
    sync_due()
    told = tracker.runs[str(run.id)]
    assert (told.record.attempt, told.record.status) == (2, RunStatus.FINISHED)
    assert [point.value for point in told.points["accuracy"].values()] == [0.2, 0.3]
    assert sync_of(run).mlflow_run_id == told.tracking_run_id


def test_run_that_ended_anew_meanwhile_stays_due(
    tracker: FakeTrackingStore, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finish(1, "failed")
    real = tracker.record_run

    def slow(record: Any) -> Any:
        later = record.ended_at + timedelta(seconds=9)
        Run.objects.filter(pk=run.pk).update(ended_at=later)
        TrackingSync.objects.filter(run=run).update(next_try_at=later, tries=0)
        return real(record)

    monkeypatch.setattr(tracker, "record_run", slow)
    sync_due()
    assert sync_of(run).synced_at is None


def _refusing(tracker: FakeTrackingStore, bad: Run) -> Callable[[Any], Any]:
    real = tracker.record_run

    def record_run(record: Any) -> Any:
        tracker.refuse = "the params changed" if record.run_id == str(bad.id) else ""
        return real(record)

    return record_run
