from pathlib import Path
from typing import Any

import pytest

from experiments.models import Checkpoint, DiscardedFolder, Experiment, Run
from experiments.services import retention
from experiments.services.retention import checkpoints_catch_up, checkpoints_thin_out, discarded_delete
from mlplatform.kernel import clock, storage


@pytest.fixture
def run(leased: Any) -> Run:
    _, run, _ = leased
    Experiment.objects.update(objective_metric="accuracy")
    return run


def report(run: Run, storage_path: Path, step: int, accuracy: float, name: str = "") -> Path:
    folder = storage_path / "runs" / str(run.id) / (name or f"1-{step:06d}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.pt").write_bytes(b"x" * 100)
    Checkpoint.objects.create(run=run, attempt=1, step=step, path=str(folder), metrics={"accuracy": accuracy})
    return folder


def steps(run: Run) -> list[int]:
    return list(run.checkpoints.values_list("step", flat=True))


def test_what_the_policy_does_not_keep_is_deleted_for_real(run: Run, storage_path: Path) -> None:
    folders = [report(run, storage_path, step, value) for step, value in ((1, 0.5), (2, 0.9), (3, 0.6))]
    assert checkpoints_thin_out(run.id) == 1
    assert steps(run) == [2, 3]
    assert discarded_delete() == 100
    assert [folder.exists() for folder in folders] == [False, True, True]
    assert not DiscardedFolder.objects.exists()
    assert checkpoints_thin_out(run.id) == 0
    assert discarded_delete() == 0


def test_where_a_fork_begins_stays(run: Run, storage_path: Path) -> None:
    for step in (1, 2, 3):
        report(run, storage_path, step, step / 10)
    Run.objects.filter(number=2).update(start_checkpoint=run.checkpoints.get(step=1))
    checkpoints_thin_out(run.id)
    assert steps(run) == [1, 3]


def test_folders_that_the_code_names_stay_while_it_may_write_into_them(run: Run, storage_path: Path) -> None:
    old = report(run, storage_path, 1, 0.1, name="a")
    report(run, storage_path, 2, 0.2, name="b")
    assert checkpoints_thin_out(run.id) == 0
    Run.objects.filter(pk=run.pk).update(state="completed")
    assert checkpoints_thin_out(run.id) == 1
    discarded_delete()
    assert not old.exists()


def test_a_folder_with_a_newer_checkpoint_in_it_stays(run: Run, storage_path: Path) -> None:
    folder = report(run, storage_path, 1, 0.1, name="same")
    report(run, storage_path, 2, 0.2, name="same")
    Run.objects.filter(pk=run.pk).update(state="completed")
    assert checkpoints_thin_out(run.id) == 1
    discarded_delete()
    assert folder.exists()


def test_nothing_outside_the_runs_own_folder_is_deleted(run: Run, storage_path: Path) -> None:
    others = storage_path / "runs" / "other" / "1-000001"
    others.mkdir(parents=True)
    Checkpoint.objects.create(run=run, attempt=1, step=1, path=str(others), metrics={})
    report(run, storage_path, 2, 0.2)
    Run.objects.filter(pk=run.pk).update(state="completed")
    assert checkpoints_thin_out(run.id) == 1
    assert discarded_delete() == 0
    assert others.exists()


def test_a_folder_that_cannot_be_deleted_holds_up_no_other(
    run: Run, storage_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, *others = [report(run, storage_path, step, step / 10) for step in (1, 2, 3)]
    checkpoints_thin_out(run.id)
    really, tried = storage.delete_tree, list[str]()

    def delete_tree(url: str) -> int:
        tried.append(url)
        if tried.count(url) == 1 and url.endswith(stuck.name):
            raise PermissionError(13, "not ours")
        return really(url)

    monkeypatch.setattr(storage, "delete_tree", delete_tree)
    monkeypatch.setattr(retention, "FOLDERS_AT_A_TIME", 1)
    assert discarded_delete() == 0
    assert tried[0] in caplog.text
    assert discarded_delete() == 100, "the next one in line"
    assert stuck.exists()
    assert not others[0].exists()
    assert discarded_delete() == 100
    assert not stuck.exists()
    assert not DiscardedFolder.objects.exists()


@pytest.mark.parametrize(("every", "left"), [(0, [5, 6]), (2, [2, 4, 5, 6])])
def test_what_a_lost_message_left_is_found(run: Run, storage_path: Path, every: int, left: list[int]) -> None:
    Experiment.objects.update(keep_every=every)
    for step, value in enumerate((0.1, 0.2, 0.3, 0.4, 0.9, 0.5), 1):
        report(run, storage_path, step, value)
    assert checkpoints_catch_up() == 0, "whoever is under way sends messages of its own"
    Run.objects.filter(pk=run.pk).update(state="completed", ended_at=clock.now())
    assert checkpoints_catch_up() == 6 - len(left)
    assert steps(run) == left
    assert checkpoints_catch_up() == 0


def test_while_the_storage_is_away_everything_stays(run: Run, storage_path: Path) -> None:
    folders = [report(run, storage_path, step, value) for step, value in ((1, 0.5), (2, 0.9), (3, 0.6))]
    assert checkpoints_thin_out(run.id) == 1
    # What is left is what a mount point is: an empty folder.
    away = storage_path.rename(storage_path.with_name("unmounted"))
    storage_path.mkdir()
    assert discarded_delete() == 0
    assert DiscardedFolder.objects.count() == 1
    storage_path.rmdir()
    away.rename(storage_path)
    assert discarded_delete() == 100
    assert [folder.exists() for folder in folders] == [False, True, True]
