"""A project is deleted with everything that belongs to it, whoever dies or is away in the middle."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEvent, Project, ProjectDeletion, User
from accounts.services.closing import project_delete
from accounts.services.projects import project_create
from experiments.models import Bundle, Deletion, Experiment, LogChunk, Purge, Run, TrackingSync
from experiments.services import belongings, code_purge, project_purge, purging
from experiments.services.bundles import bundle_from_upload
from experiments.services.deletion import experiment_delete, run_delete
from experiments.services.project_purge import projects_purge
from experiments.services.purging import purge_due
from experiments.services.tracking_sync import sync_due
from experiments.states import ExperimentState
from mlplatform.kernel import clock, storage
from runners.models import Allocation
from tests.experiments.conftest import Finish, Wait, purge_all
from tests.fakes.tracking_store import FakeTrackingStore
from tests.fixtures import CODE
from tests.logs import prints


class Died(BaseException):
    """Nobody catches it, as nobody catches a SIGKILL."""


@dataclass
class Full:
    """A project with something of everything, and where all of it is."""

    project: Project
    owner: User
    tracker: FakeTrackingStore
    folder: Path

    def give_up(self) -> ProjectDeletion:
        return project_delete(user=self.owner, project=self.project, confirmation=self.project.slug)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())

    def is_gone(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM experiments_metricbatch")
            points = cursor.fetchone()[0]
        rows: list[Any] = [Project, Run, Bundle, LogChunk, TrackingSync, Purge]
        told = self.tracker
        return (
            points == 0
            and not any(model.objects.exists() for model in rows)
            and not Experiment.everything.exists()
            and not Deletion.objects.filter(ended_at=None).exists()
            and self.files() == []
            and not (told.runs or told.models or told.versions or told.experiments)
        )


@pytest.fixture
def full(
    experiment: Experiment, finish: Finish, tracker: FakeTrackingStore, owner: User, storage_path: Path
) -> Full:
    """Two runs that have ended, one with a registered model, their logs, checkpoints, code and package."""
    for number, models_at in ((1, (2,)), (2, ())):
        prints(finish(number, models_at=models_at), "hello")
    Experiment.objects.filter(pk=experiment.pk).update(
        state=ExperimentState.COMPLETED, registration_due_at=clock.now()
    )
    storage.write("packages/x.zip", b"p" * 30)
    allocated(experiment)
    sync_due()
    assert not TrackingSync.objects.filter(synced_at=None).exists()
    assert tracker.versions
    return Full(experiment.project, owner, tracker, storage_path)


def allocated(experiment: Experiment) -> None:
    Allocation.objects.create(
        owner_id=experiment.pk,
        backend="local",
        state="ended",
        workers=1,
        cpus_per_worker=1,
        gpus_per_worker=0,
        package_key="packages/x.zip",
    )


def test_everything_goes_and_the_bytes_are_told(full: Full, wait: Wait) -> None:
    stored = sum(path.stat().st_size for path in full.folder.rglob("*") if path.is_file())
    deletion = full.give_up()
    projects_purge()
    deletion.refresh_from_db()
    assert deletion.waits_for == "Waits for what its experiments have in the storage and in MLflow to go."
    purge_all(wait)
    assert full.is_gone()
    deletion.refresh_from_db()
    assert deletion.finished_at is not None
    # Files, ten bytes of a model in the tracker, and what the database kept of points and logs.
    assert deletion.freed_bytes > stored + 10
    event = AuditEvent.objects.get(verb="project.deleted")
    assert (event.actor, event.target) == (full.owner, "vision")
    assert event.detail == {"freed_bytes": deletion.freed_bytes}
    projects_purge()
    assert AuditEvent.objects.filter(verb="project.deleted").count() == 1


STEPS: list[tuple[Any, str]] = [
    (project_purge, "experiments_hide"),
    (belongings, "rows_size"),
    (purging, "_lead"),
    (storage, "delete_tree"),
    (purging, "tracking_store"),
    (purging, "packages_purge"),
    (purging, "_count"),
    (purging, "_finish"),
    (storage, "move"),
    (code_purge, "_is_shared"),
    (project_purge, "bundle_purge"),
    (project_purge, "_count"),
    (project_purge, "_finish"),
    (project_purge, "audit"),
]


@pytest.mark.parametrize("at", STEPS, ids=[name for _, name in STEPS])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_whoever_comes_after_a_crash_finishes(
    full: Full, monkeypatch: pytest.MonkeyPatch, wait: Wait, at: tuple[Any, str], after: int
) -> None:
    deletion = full.give_up()
    (where, name), calls, died = at, 0, False
    real = getattr(where, name)

    def deadly(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > after:
            raise Died
        return real(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(where, name, deadly)
        try:
            purge_all(wait)
        except Died:
            died = True
    assert died or after
    deletion.refresh_from_db()
    assert died or deletion.finished_at
    wait(project_purge.CLAIM + timedelta(seconds=1))
    purge_all(wait)
    assert full.is_gone()
    assert AuditEvent.objects.filter(verb="project.deleted").count() == 1


def test_the_claim_of_the_dead_holds_the_others_off_for_a_while(
    full: Full, monkeypatch: pytest.MonkeyPatch, wait: Wait
) -> None:
    deletion = full.give_up()

    def deadly(**_: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(project_purge, "experiments_hide", deadly)
        with pytest.raises(Died):
            projects_purge()
        projects_purge()
    assert Experiment.objects.exists()
    wait(project_purge.CLAIM + timedelta(seconds=1))
    projects_purge()
    assert not Experiment.objects.exists()
    assert not ProjectDeletion.objects.get(pk=deletion.pk).finished_at


def test_bounded_steps(full: Full, monkeypatch: pytest.MonkeyPatch, wait: Wait) -> None:
    for number in range(2):
        content = CODE + b"# %d" % number
        bundle_from_upload(user=full.owner, project=full.project, filename="train.py", content=content)
    monkeypatch.setattr(project_purge, "STEPS_AT_A_TIME", 1)
    monkeypatch.setattr(purging, "RUNS_AT_A_TIME", 1)
    monkeypatch.setattr(purging, "STEPS", 1)
    deletion = full.give_up()
    left: list[tuple[int, int, int]] = []
    while not ProjectDeletion.objects.filter(finished_at__isnull=False).exists():
        assert len(left) < 12
        projects_purge()
        purge_due()
        wait(timedelta(minutes=2))
        left.append((Run.objects.count(), Experiment.everything.count(), Bundle.objects.count()))
    assert list(dict.fromkeys(left)) == [(1, 1, 3), (0, 1, 3), (0, 0, 3), (0, 0, 2), (0, 0, 1), (0, 0, 0)]
    deletion.refresh_from_db()
    assert deletion.waits_for == ""


def test_an_outage_of_the_tracker_is_waited_out(full: Full, wait: Wait) -> None:
    deletion = full.give_up()
    full.tracker.down = True
    purge_all(wait)
    deletion.refresh_from_db()
    assert deletion.waits_for == "the tracker does not answer"
    assert Bundle.objects.exists()
    full.tracker.down = False
    purge_all(wait)
    assert full.is_gone()


def test_a_storage_that_is_away_keeps_everything(full: Full, wait: Wait) -> None:
    deletion = full.give_up()
    full.folder.rename(full.folder.with_name("unmounted"))
    projects_purge()
    deletion.refresh_from_db()
    assert "is it mounted" in deletion.waits_for
    assert Run.objects.count() == 2
    full.folder.with_name("unmounted").rename(full.folder)
    wait(timedelta(minutes=1))
    purge_all(wait)
    assert full.is_gone()


def test_a_storage_that_goes_away_in_the_middle_is_waited_for(full: Full, wait: Wait) -> None:
    deletion = full.give_up()
    projects_purge()
    full.folder.rename(full.folder.with_name("unmounted"))
    purge_all(wait)
    deletion.refresh_from_db()
    assert "is it mounted" in deletion.waits_for
    assert full.tracker.runs
    full.folder.with_name("unmounted").rename(full.folder)
    purge_all(wait)
    assert full.is_gone()


def test_what_was_deleted_before_goes_too(full: Full, experiment: Experiment, wait: Wait) -> None:
    run_delete(user=full.owner, run=Run.objects.select_related("experiment").get(number=1))
    full.give_up()
    purge_all(wait)
    assert full.is_gone()


def test_the_job_of_a_deleted_experiment_ends_first(full: Full, experiment: Experiment) -> None:
    experiment_delete(user=full.owner, experiment=experiment)
    Allocation.objects.update(state="draining")
    deletion = full.give_up()
    projects_purge()
    deletion.refresh_from_db()
    assert deletion.waits_for == "Waits for 1 job to stop."


def test_what_runs_is_stopped_first(
    experiment: Experiment, leased: Any, owner: User, tracker: FakeTrackingStore, wait: Wait
) -> None:
    allocation, run, _ = leased
    deletion = project_delete(user=owner, project=experiment.project, confirmation="vision")
    projects_purge()
    deletion.refresh_from_db()
    assert deletion.waits_for == "Waits for 1 job to stop."
    experiment.refresh_from_db()
    run.refresh_from_db()
    assert (experiment.state, run.stop_reason) == ("canceled", "canceled")
    assert Run.objects.count() == 2
    Allocation.objects.filter(pk=allocation.pk).update(state="ended")
    Run.objects.filter(pk=run.pk).update(state="canceled")
    wait(timedelta(seconds=4))
    purge_all(wait)
    assert not Project.objects.exists()


def test_nobody_is_told_about_runs_that_go(full: Full) -> None:
    TrackingSync.objects.update(synced_at=None, next_try_at="2020-01-01T00:00Z")
    full.give_up()
    before = list(full.tracker.calls)
    sync_due()
    assert full.tracker.calls == before


def test_whoever_tells_the_tracker_right_now_finishes_first(full: Full, wait: Wait) -> None:
    deletion = full.give_up()
    TrackingSync.objects.update(synced_at=None, next_try_at=deletion.requested_at + timedelta(minutes=1))
    projects_purge()
    deletion.refresh_from_db()
    assert deletion.waits_for == "Waits for MLflow to be told about the last runs."
    wait(timedelta(minutes=2))
    purge_all(wait)
    assert not Project.objects.exists()


@pytest.fixture
def other(stranger: User) -> Project:
    return project_create(user=stranger, name="Other")


def test_code_that_another_project_has_stays(full: Full, other: Project, stranger: User, wait: Wait) -> None:
    twin = bundle_from_upload(user=stranger, project=other, filename="train.py", content=CODE)
    full.give_up()
    purge_all(wait)
    assert storage.read(twin.key) is not None
    assert full.files() == [f"{twin.sha256}.zip"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_code_that_is_taken_in_at_that_moment_stays(
    full: Full, other: Project, monkeypatch: pytest.MonkeyPatch, when: str, wait: Wait
) -> None:
    """Another project gets the same code between the look for others and the deletion of the zip."""
    real: Callable[[str, str], bool] = storage.move

    def take_in() -> None:
        monkeypatch.setattr(storage, "move", real)
        owner = other.memberships.get().user
        bundle_from_upload(user=owner, project=other, filename="train.py", content=CODE)

    def move(key: str, to: str) -> bool:
        if when == "before":
            take_in()
        moved = real(key, to)
        if when == "after":
            take_in()
        return moved

    monkeypatch.setattr(storage, "move", move)
    full.give_up()
    purge_all(wait)
    assert storage.read(Bundle.objects.get().key) is not None
    assert len(full.files()) == 1


def test_a_package_that_another_experiment_ran_in_stays(
    full: Full, other: Project, stranger: User, wait: Wait
) -> None:
    twin = bundle_from_upload(user=stranger, project=other, filename="other.py", content=CODE)
    kept = Experiment.objects.create(
        project=other, name="kept", slug="kept", bundle=twin, entrypoint="other:train", backend="local",
        created_by=stranger, state="completed",
    )  # fmt: skip
    allocated(kept)
    full.give_up()
    purge_all(wait)
    assert storage.exists("packages/x.zip")


def test_a_fork_goes_before_what_it_was_made_from(full: Full, wait: Wait) -> None:
    first, second = Run.objects.order_by("number")
    Run.objects.filter(pk=second.pk).update(parent=first, start_checkpoint=first.checkpoints.first())
    full.give_up()
    purge_all(wait)
    assert not Run.objects.exists()
