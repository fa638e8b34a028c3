"""The best model of a completed experiment becomes a model version: once, when all is told, whatever happens."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from experiments.models import Checkpoint, Experiment, ModelVersion, RunMetric, TrackingSync
from experiments.selectors.tracking import run_url as url
from experiments.services import lifecycle, tracking_sync
from experiments.services.tracking_sync import sync_due
from experiments.states import ExperimentState
from mlplatform.kernel import clock
from tests.experiments.conftest import Finish, complete, sync_of
from tests.fakes.tracking_store import FakeTrackingStore


def test_best_run_becomes_a_version(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment
) -> None:
    finish(1, accuracy=(0.5, 0.6), models_at=(1, 2))
    best = finish(2, accuracy=(0.9, 0.7), models_at=(1, 2))
    sync_due()
    assert "register_model" not in tracker.calls, "not before the experiment is completed"
    complete(experiment)
    sync_due()
    sync_due()
    version = ModelVersion.objects.get()
    name = f"{experiment.project.slug}.{experiment.slug}"
    assert (version.run_id, version.name, version.version) == (best.pk, name, 1)
    assert version.uri == f"models:/{name}/1"
    assert tracker.calls.count("register_model") == 1
    assert tracker.versions == {name: [sync_of(best).model_uri]}


def test_version_waits_for_the_best_run_only(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment
) -> None:
    first = finish(1, models_at=(1, 2))
    finish(2, accuracy=(0.1, 0.2), models_at=(1, 2))
    assert tracking_sync._claim(sync_of(first))
    complete(experiment)
    sync_due()
    assert not ModelVersion.objects.exists()
    TrackingSync.objects.filter(run=first).update(next_try_at=clock.now())
    Experiment.objects.update(registration_due_at=clock.now())
    sync_due()
    assert ModelVersion.objects.get().run_id == first.pk


def test_a_run_that_cannot_be_told_does_not_hold_up_the_best(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment
) -> None:
    best = finish(1, models_at=(1, 2))
    refused = finish(2, accuracy=(0.1, 0.2))
    assert tracking_sync._claim(sync_of(refused))
    complete(experiment)
    sync_due()
    assert ModelVersion.objects.get().run_id == best.pk


def test_a_model_counts_as_much_as_the_checkpoint_that_it_was_made_from(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment
) -> None:
    finish(1, accuracy=(0.95, 0.7), models_at=(2,))
    better = finish(2, accuracy=(0.8, 0.75), models_at=(1, 2))
    complete(experiment)
    sync_due()
    version = ModelVersion.objects.get()
    assert (version.run_id, version.step, version.objective) == (better.pk, 1, 0.8)
    assert tracker.descriptions == [
        f"Best model of sweep by accuracy (0.8 at step 1): [sweep #2]({url(better)})"
    ]


def test_of_a_run_without_a_model_others_are_not_kept_from_theirs(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment
) -> None:
    finish(1, accuracy=(0.9, 0.9))
    second = finish(2, accuracy=(0.1, 0.2), models_at=(1, 2))
    complete(experiment)
    sync_due()
    assert ModelVersion.objects.get().run_id == second.pk


@pytest.mark.parametrize(("direction", "step"), [("maximize", 2), ("minimize", 1)])
def test_an_objective_that_did_not_come_with_the_checkpoint_is_taken_from_the_history(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment, direction: str, step: int
) -> None:
    run = finish(1, accuracy=(0.4, 0.6), models_at=(step,))
    Checkpoint.objects.filter(run=run).update(metrics={})
    Experiment.objects.update(objective_direction=direction)
    RunMetric.objects.update(min=0.4)
    sync_due()
    sync = sync_of(run)
    assert (sync.model_step, sync.model_objective) == (step, (0.4, 0.6)[step - 1])
    complete(experiment)
    sync_due()
    assert ModelVersion.objects.get().objective == sync.model_objective


@pytest.mark.parametrize("models_at", [(), (1, 2)])
def test_nothing_to_register(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment, models_at: tuple[int, ...]
) -> None:
    finish(1, models_at=models_at)
    if models_at:
        Experiment.objects.filter(pk=experiment.pk).update(objective_metric="")
    complete(experiment)
    sync_due()
    experiment.refresh_from_db()
    assert experiment.registration_due_at is None
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize("trouble", ["down", "refuse"])
def test_registration_is_tried_again(
    tracker: FakeTrackingStore,
    finish: Finish,
    experiment: Experiment,
    wait: Callable[[timedelta], None],
    trouble: str,
) -> None:
    run = finish(1, models_at=(1, 2))
    sync_due()
    complete(experiment)
    setattr(tracker, trouble, "no")
    sync_due()
    assert sync_of(run).last_error
    setattr(tracker, trouble, "")
    sync_due()
    assert not ModelVersion.objects.exists(), "not at once"
    wait(timedelta(minutes=2))
    sync_due()
    assert ModelVersion.objects.get().run_id == run.pk
    assert sync_of(run).last_error == ""


def test_registration_is_claimed(tracker: FakeTrackingStore, finish: Finish, experiment: Experiment) -> None:
    finish(1, models_at=(1, 2))
    complete(experiment)
    stale = Experiment.objects.get(pk=experiment.pk)
    Experiment.objects.filter(pk=experiment.pk).update(registration_due_at=clock.now() + timedelta(minutes=1))
    assert tracking_sync._register_best(stale)
    assert "register_model" not in tracker.calls


def test_better_run_added_later_becomes_the_next_version(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment
) -> None:
    finish(1, accuracy=(0.5, 0.6), models_at=(1, 2))
    complete(experiment)
    sync_due()
    assert lifecycle.experiment_move(experiment, ExperimentState.ACTIVE, "active")
    better = finish(2, accuracy=(0.9, 0.9), models_at=(1, 2))
    complete(experiment)
    sync_due()
    assert list(ModelVersion.objects.order_by("version").values_list("version", flat=True)) == [1, 2]
    assert ModelVersion.objects.get(version=2).run_id == better.pk


def test_tracker_that_lost_its_data(
    tracker: FakeTrackingStore, finish: Finish, experiment: Experiment
) -> None:
    finish(1, accuracy=(0.5, 0.6), models_at=(1, 2))
    complete(experiment)
    sync_due()
    tracker.versions.clear()
    assert lifecycle.experiment_move(experiment, ExperimentState.ACTIVE, "active")
    better = finish(2, accuracy=(0.9, 0.9), models_at=(1, 2))
    complete(experiment)
    sync_due()
    assert list(ModelVersion.objects.values_list("run_id", "version")) == [(better.pk, 1)]
