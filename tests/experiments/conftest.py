"""Props of the experiments' tests: runs that have ended, a tracker in memory, time that passes."""

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import pytest

from experiments.models import Attempt, Checkpoint, Experiment, Run, RunMetric, TrackingSync
from experiments.services import lifecycle, reconcile
from experiments.services.project_purge import projects_purge
from experiments.services.purging import purge_due
from experiments.services.searching import sets_propose
from experiments.states import ExperimentState, RunState
from experiments.tracking.registry import tracking_store
from mlplatform.kernel import clock
from tests.fakes import exported_model
from tests.fakes.tracking_store import FakeTrackingStore
from tests.fixtures import CODE
from tests.points import report
from tests.servers.git import GitServer, Repository

Finish = Callable[..., Run]
Wait = Callable[[timedelta], None]


@pytest.fixture
def finish(experiment: Experiment, storage_path: Path) -> Finish:
    """End a run as the harness would: with a history and, if wanted, checkpoints at steps that hold a model."""
    Experiment.objects.filter(pk=experiment.pk).update(objective_metric="accuracy")

    def end(
        number: int,
        state: str = RunState.COMPLETED,
        accuracy: tuple[float, ...] = (0.5, 0.9),
        models_at: tuple[int, ...] = (),
    ) -> Run:
        run = Run.objects.select_related("experiment").get(experiment=experiment, number=number)
        now = clock.now()
        attempt = run.attempts_made + 1
        fields = {
            "attempts_made": attempt,
            "started_at": now - timedelta(minutes=1),
            "state": RunState.RUNNING,
        }
        Run.objects.filter(pk=run.pk).update(**fields)
        run.refresh_from_db()
        Attempt.objects.create(
            run=run,
            number=attempt,
            allocation_id=run.pk,
            fence=attempt,
            started_at=now,
            environment={"python": "3.11.2", "torch": "2.13.0"},
        )
        steps = list(range(1, len(accuracy) + 1))
        report(run, steps, accuracy, attempt=attempt, summary=False)
        best = max(value for value in accuracy if math.isfinite(value))
        RunMetric.objects.update_or_create(
            run=run,
            name="accuracy",
            defaults={
                "experiment": experiment,
                "run_number": number,
                "field": "max",
                "last": accuracy[-1],
                "last_step": len(accuracy),
                "max": best,
                "count": 2,
            },
        )
        for step, value in zip(steps, accuracy, strict=True):
            folder = storage_path / "runs" / str(run.id) / f"checkpoint_{attempt}_{step}"
            if step in models_at:
                exported_model.write(folder)
            Checkpoint.objects.create(
                run=run, attempt=attempt, step=step, path=str(folder), metrics={"accuracy": value}
            )
        assert lifecycle.run_finish(run, state)
        return run

    return end


@pytest.fixture
def tracker(settings: Any) -> Iterator[FakeTrackingStore]:
    settings.TRACKING_STORE = "tests.fakes.tracking_store.FakeTrackingStore"
    tracking_store.cache_clear()
    store = tracking_store()
    assert isinstance(store, FakeTrackingStore)
    yield store
    tracking_store.cache_clear()


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Let time pass."""
    passed = timedelta()
    real = clock.now

    def advance(more: timedelta) -> None:
        nonlocal passed
        passed += more

    monkeypatch.setattr(clock, "now", lambda: real() + passed)
    return advance


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A Git server on loopback, which the portal may not ask unless a test says so."""
    (tmp_path / "git").mkdir()
    with GitServer(tmp_path / "git").running() as running:
        yield running


@pytest.fixture
def repository(server: GitServer) -> Repository:
    """`code.git` with train.py and a folder beside it."""
    made = Repository(server.folder, "code")
    made.commit({"train.py": CODE, "deep/er/train.py": CODE, "deep/er/note.txt": b"a note"})
    return made


def tick() -> None:
    """The reconciler, and the searchers that it gives a turn."""
    with mock.patch.object(reconcile, "enqueue") as enqueue:
        reconcile.reconcile()
    for _, pk in (call.args for call in enqueue.call_args_list):
        sets_propose(UUID(pk))


def purge_all(wait: Wait) -> None:
    """Both that delete for real have their turns, until what was deleted a moment ago is silent and gone."""
    for _ in range(3):
        projects_purge()
        purge_due()
        wait(timedelta(minutes=2))


def sync_of(run: Run) -> TrackingSync:
    return TrackingSync.objects.get(run=run)


def complete(experiment: Experiment) -> None:
    experiment.refresh_from_db()
    assert lifecycle.experiment_move(experiment, ExperimentState.COMPLETED, "completed")
