from datetime import timedelta
from pathlib import Path

import pytest

from accounts.models import AuditEvent, User
from experiments.models import (
    Deletion,
    Experiment,
    MetricBatch,
    ModelVersion,
    Purge,
    Run,
    RunMetric,
    RunParam,
    TrackingSync,
)
from experiments.selectors.experiments import experiment_by_id
from experiments.selectors.runs import run_by_id
from experiments.selectors.search import searched_sets
from experiments.services import purging
from experiments.services.deletion import experiment_delete, run_delete, runs_delete
from experiments.services.launch import runs_add
from experiments.services.purging import purge_due
from experiments.services.tracking_sync import sync_due
from experiments.states import ExperimentState
from mlplatform.kernel import storage
from mlplatform.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from tests.experiments.conftest import Finish, Wait, complete
from tests.fakes.tracking_store import FakeTrackingStore

LATER = timedelta(minutes=5)


@pytest.fixture
def over(experiment: Experiment, finish: Finish, tracker: FakeTrackingStore) -> Experiment:
    """All runs have ended, the first with a model that was registered."""
    for number in experiment.runs.values_list("number", flat=True):
        finish(number, models_at=(2,) if number == 1 else ())
    complete(experiment)
    sync_due()
    return Experiment.objects.get(pk=experiment.pk)


def run_of(experiment: Experiment, number: int = 1) -> Run:
    return Run.objects.select_related("experiment__project").get(experiment=experiment, number=number)


def test_a_run_is_gone_from_everywhere(
    over: Experiment, owner: User, tracker: FakeTrackingStore, storage_path: Path, wait: Wait
) -> None:
    run = run_of(over)
    folder = storage_path / "runs" / str(run.pk)
    bytes_there = sum(storage.files_in(str(folder)).values())
    assert ModelVersion.objects.filter(run=run).exists()
    assert str(run.pk) in tracker.runs
    deletion = run_delete(user=owner, run=run)
    assert not Run.objects.filter(pk=run.pk).exists()
    for model in (RunParam, RunMetric, MetricBatch, TrackingSync, ModelVersion):
        assert not model.objects.filter(run_id=run.pk).exists()
    assert AuditEvent.objects.get(verb="runs.delete").detail == {"runs": [1]}
    # What its last worker may still write waits for it.
    purge_due()
    assert folder.exists()
    wait(LATER)
    purge_due()
    assert not folder.exists()
    assert str(run.pk) not in tracker.runs
    assert not tracker.versions
    deletion.refresh_from_db()
    assert deletion.freed_bytes >= bytes_there > 0
    assert deletion.ended_at
    assert not Purge.objects.exists()


def test_an_open_run_is_to_be_canceled_first(experiment: Experiment, owner: User) -> None:
    with pytest.raises(Conflict, match="cancel it first"):
        run_delete(user=owner, run=run_of(experiment))
    assert runs_delete(user=owner, experiment=experiment, numbers=[1]).skipped == [1]
    with pytest.raises(Conflict, match="cancel it first"):
        experiment_delete(user=owner, experiment=experiment)
    assert not Deletion.objects.exists()


def test_where_a_fork_began_goes_only_with_it(over: Experiment, owner: User) -> None:
    start = run_of(over).checkpoints.first()
    Run.objects.filter(experiment=over, number=2).update(parent=run_of(over), start_checkpoint=start)
    with pytest.raises(Conflict, match="#2 began"):
        run_delete(user=owner, run=run_of(over))
    assert runs_delete(user=owner, experiment=over, numbers=[1, 2]).changed == [1, 2]


def test_numbers_are_never_given_again(over: Experiment, owner: User) -> None:
    numbers = list(over.runs.values_list("number", flat=True))
    runs_delete(user=owner, experiment=over, numbers=numbers)
    (added,) = runs_add(user=owner, experiment=over, param_sets=[{"lr": 0.5}])
    assert added.number == numbers[-1] + 1


def test_deleted_sets_stay_drawn(over: Experiment, owner: User) -> None:
    over.runs.update(searched=True)
    before = searched_sets(over)
    run_delete(user=owner, run=run_of(over))
    assert searched_sets(over) == before


def test_a_set_without_its_first_run_is_still_one(over: Experiment, owner: User) -> None:
    over.runs.filter(number=2).update(set_number=1, repeat=2)
    run_delete(user=owner, run=run_of(over))
    assert run_of(over, 2).repeat == 1


def test_an_experiment_is_hidden_at_once_and_taken_apart_in_steps(
    over: Experiment,
    owner: User,
    tracker: FakeTrackingStore,
    wait: Wait,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(purging, "RUNS_AT_A_TIME", 1)
    monkeypatch.setattr(purging, "STEPS", 1)
    run, project, slug = run_of(over), over.project, over.slug
    deletion = experiment_delete(user=owner, experiment=over)
    with pytest.raises(NotFound):
        experiment_by_id(owner, over.pk)
    with pytest.raises(NotFound):
        run_by_id(owner, run.pk)
    assert not project.experiments.exists()
    assert not ModelVersion.objects.exists()
    assert Experiment.everything.filter(pk=over.pk).exists()
    # Its name is free again.
    twin = Experiment.everything.get(pk=over.pk)
    twin.pk, twin.deleted_at, twin.deletion = None, None, None
    twin._state.adding = True
    twin.save()
    assert twin.slug == slug
    for _ in range(deletion.runs + 1):
        purge_due()
    assert not Experiment.everything.filter(pk=over.pk).exists()
    wait(LATER)
    purge_due()
    wait(LATER)
    purge_due()
    assert not tracker.runs
    assert not tracker.experiments
    assert not storage.files_in(storage.url("runs"))
    deletion.refresh_from_db()
    assert deletion.ended_at


def test_while_the_tracker_is_away_the_rest_waits(
    over: Experiment, owner: User, tracker: FakeTrackingStore, wait: Wait
) -> None:
    run = run_of(over)
    deletion = run_delete(user=owner, run=run)
    tracker.down = True
    wait(LATER)
    purge_due()
    row = Purge.objects.get()
    assert "does not answer" in row.last_error
    deletion.refresh_from_db()
    freed = deletion.freed_bytes
    assert freed
    assert not deletion.ended_at
    tracker.down = False
    wait(LATER)
    purge_due()
    deletion.refresh_from_db()
    assert deletion.ended_at
    assert str(run.pk) not in tracker.runs


def test_a_storage_that_is_away_keeps_everything(
    over: Experiment, owner: User, tracker: FakeTrackingStore, storage_path: Path, wait: Wait
) -> None:
    run = run_of(over)
    folder = storage_path / "runs" / str(run.pk)
    deletion = run_delete(user=owner, run=run)
    deletion.refresh_from_db()
    before = deletion.freed_bytes
    # What is left is what a mount point is: an empty folder.
    away = storage_path.rename(storage_path.with_name("unmounted"))
    storage_path.mkdir()
    wait(LATER)
    purge_due()
    assert "is it mounted" in Purge.objects.get().last_error
    assert str(run.pk) in tracker.runs
    deletion.refresh_from_db()
    assert (deletion.freed_bytes, deletion.ended_at) == (before, None)
    storage_path.rmdir()
    away.rename(storage_path)
    assert folder.exists()
    wait(LATER)
    purge_due()
    deletion.refresh_from_db()
    assert deletion.freed_bytes > before
    assert deletion.ended_at
    assert not folder.exists()


def test_rows_count_as_freed(over: Experiment, owner: User) -> None:
    deletion = run_delete(user=owner, run=run_of(over))
    deletion.refresh_from_db()
    assert deletion.freed_bytes > 0


def test_a_deleted_experiment_is_told_nothing_more(
    over: Experiment, owner: User, tracker: FakeTrackingStore
) -> None:
    TrackingSync.objects.update(synced_at=None)
    experiment_delete(user=owner, experiment=over)
    tracker.calls.clear()
    sync_due()
    assert not tracker.calls


def test_who_may(over: Experiment, viewer: User, stranger: User) -> None:
    for person, refusal in ((viewer, Forbidden), (stranger, NotFound)):
        with pytest.raises(refusal):
            runs_delete(user=person, experiment=over, numbers=[1])
        with pytest.raises(refusal):
            experiment_delete(user=person, experiment=over)


def test_too_many_at_a_time(over: Experiment, owner: User) -> None:
    with pytest.raises(InvalidInput, match="501 runs"):
        runs_delete(user=owner, experiment=over, numbers=range(501))


def test_a_canceled_experiment_with_a_run_that_still_stops(over: Experiment, owner: User) -> None:
    Experiment.objects.filter(pk=over.pk).update(state=ExperimentState.CANCELED)
    Run.objects.filter(pk=run_of(over).pk).update(state="running")
    with pytest.raises(Conflict, match="wait until it has stopped"):
        experiment_delete(user=owner, experiment=over)
