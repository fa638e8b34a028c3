"""Ray Train's public functions, bound to a run, with Ray's real storage code and without a cluster."""

from pathlib import Path

import pytest
import ray.train
from ray.train.v2._internal.execution.train_fn_utils import set_train_fn_utils
from ray.train.v2.api.report_config import CheckpointUploadMode

from runners.harness.consensus import Consensus
from runners.harness.session import RunSession
from runners.harness.stream import Stream
from runners.harness.train_fn_utils import RayCheckpointStore, bind_train_functions
from tests.runners.harness.test_stream import FAST


@pytest.fixture
def storage_path(tmp_path):
    return tmp_path / "runs"


@pytest.fixture(autouse=True)
def bound(client, lease, storage_path):
    """The functions of `ray.train` act on the leased run while a test runs."""
    stream = Stream(client, lease, 0, pace=FAST)
    store = RayCheckpointStore(str(storage_path), lease.run_id)
    bind_train_functions(RunSession(lease, Consensus(None, 0, 1), stream, store), store)
    stream.start()
    yield stream
    stream.close()
    set_train_fn_utils(None)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "made by the user"
    folder.mkdir()
    (folder / "weights").write_text("1, 2, 3")
    return folder


def test_a_run_without_checkpoints_leaves_no_folder(storage_path, bound, run):
    ray.train.report({"loss": 1.0})
    bound.finish("completed")
    assert run.points["loss"] == [(1, 1.0)]
    assert not storage_path.exists()
    assert ray.train.get_checkpoint() is None


def test_a_checkpoint_is_copied_into_the_runs_folder(storage_path, folder, bound, run):
    ray.train.report({"loss": 1.0}, checkpoint=ray.train.Checkpoint.from_directory(folder))
    bound.finish("completed")
    path = storage_path / run.id / "1-000001"
    assert run.checkpoints[0]["path"] == str(path)
    assert (path / "weights").read_text() == "1, 2, 3"
    assert ray.train.get_checkpoint().path == str(path)
    assert folder.exists()
    (reported,) = ray.train.get_all_reported_checkpoints()
    assert (reported.checkpoint.path, reported.metrics) == (str(path), {"loss": 1.0})


def test_a_named_checkpoint_and_a_deleted_original(storage_path, folder, run):
    ray.train.report(
        {},
        checkpoint=ray.train.Checkpoint.from_directory(folder),
        checkpoint_dir_name="best",
        delete_local_checkpoint_after_upload=True,
    )
    assert (storage_path / run.id / "best" / "weights").exists()
    assert not folder.exists()


def test_async_is_complete_when_report_returns(folder):
    checkpoint = ray.train.Checkpoint.from_directory(folder)
    ray.train.report({}, checkpoint=checkpoint, checkpoint_upload_mode=CheckpointUploadMode.ASYNC)
    assert Path(ray.train.get_checkpoint().path, "weights").exists()
    assert not folder.exists(), "Ray's default for ASYNC"


def test_code_that_uploads_by_itself(storage_path, run):
    def upload(checkpoint, name):
        target = Path(ray.train.get_context().get_storage().experiment_fs_path, "own", name)
        target.mkdir(parents=True)
        return ray.train.Checkpoint(str(target))

    ray.train.report({}, checkpoint=ray.train.Checkpoint("/nowhere"), checkpoint_upload_fn=upload)
    assert ray.train.get_checkpoint().path == str(storage_path / run.id / "own" / "1-000001")
    inside = ray.train.Checkpoint(str(storage_path / run.id / "own"))
    ray.train.report({}, checkpoint=inside, checkpoint_upload_mode=CheckpointUploadMode.NO_UPLOAD)
    assert ray.train.get_checkpoint().path == inside.path


def test_a_checkpoint_outside_the_runs_folder_is_refused(folder):
    outside = ray.train.Checkpoint.from_directory(folder)
    with pytest.raises(ValueError, match=r"outside the run's storage .* checkpoint_upload_mode"):
        ray.train.report({}, checkpoint=outside, checkpoint_upload_mode=CheckpointUploadMode.NO_UPLOAD)
    with pytest.raises(TypeError, match="checkpoint_upload_fn must return"):
        ray.train.report({}, checkpoint=outside, checkpoint_upload_fn=lambda checkpoint, name: "a path")


def test_validation_is_refused_by_name(folder):
    with pytest.raises(ValueError, match="validation"):
        ray.train.report({}, checkpoint=ray.train.Checkpoint.from_directory(folder), validation=True)


def test_the_context_has_the_runs_name():
    assert ray.train.get_context().get_experiment_name() == "digits #1"


def test_a_run_that_is_over_takes_no_reports_and_neither_does_ray(lease, bound, storage_path):
    store = RayCheckpointStore(str(storage_path), lease.run_id)
    session = RunSession(lease, Consensus(None, 0, 1), bound, store)
    bind_train_functions(session, store)
    session.close()
    with pytest.raises(RuntimeError, match="has returned"):
        ray.train.report({"loss": 1.0})
