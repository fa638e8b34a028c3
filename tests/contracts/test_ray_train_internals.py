"""What `runners/harness/train_fn_utils.py` needs from Ray Train's internals. When this fails, Ray has changed:
read its new `ray/train/v2/_internal/execution/train_fn_utils.py` and adapt that one file of the harness.
"""

import inspect

import pytest
import ray.train
from ray.train.v2._internal.execution import context, storage
from ray.train.v2._internal.execution import train_fn_utils as rays
from ray.train.v2.api import report_config, reported_checkpoint
from ray.train.v2.api import train_fn_utils as public
from ray.train.v2.api.context import DistributedTrainContext

from runners.harness import train_fn_utils as ours

PUBLIC = ["report", "get_checkpoint", "get_all_reported_checkpoints", "get_context"]


def parameters(function):
    return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}


@pytest.mark.parametrize("name", PUBLIC)
def test_our_methods_take_what_rays_take(name):
    assert parameters(getattr(ours.RunTrainFnUtils, name)) == parameters(
        getattr(rays.DistributedTrainFnUtils, name)
    )


@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_functions_go_through_the_object_that_we_replace(name):
    assert f"get_train_fn_utils().{name}(" in inspect.getsource(getattr(public, name))
    assert getattr(ray.train, name) is getattr(public, name)


def test_report_passes_every_parameter_by_position_or_name():
    assert list(parameters(public.report)) == list(parameters(rays.DistributedTrainFnUtils.report))[1:]


def test_every_abstract_method_is_implemented():
    assert not inspect.isabstract(ours.RunTrainFnUtils)
    assert not inspect.isabstract(ours.RunContext)
    assert issubclass(rays.DistributedTrainFnUtils, rays.TrainFnUtils)


def test_what_we_do_not_override_is_known():
    """A new function of Ray's would act on the warm group instead of on the current run: decide about it."""
    known = {
        "barrier",
        "broadcast_from_rank_zero",
        "get_dataset_shard",
        "get_preemption_info",
        "is_distributed",
    }
    assert set(rays.TrainFnUtils.__abstractmethods__) - set(PUBLIC) == known
    context_methods = {name for name in dir(DistributedTrainContext) if name.startswith("get_")}
    places = {
        f"get_{place}"
        for place in ("world_size", "world_rank", "local_rank", "local_world_size", "node_rank")
    }
    deprecated = {"get_metadata", "get_trial_name", "get_trial_id", "get_trial_resources", "get_trial_dir"}
    assert context_methods - places - deprecated == {"get_experiment_name", "get_storage"}


def test_the_object_is_a_replaceable_global():
    assert parameters(rays.set_train_fn_utils) == {"train_fn_utils": inspect.Parameter.empty}
    with pytest.raises(RuntimeError):
        rays.get_train_fn_utils()


def test_storage_persists_a_checkpoint_under_a_name():
    empty = inspect.Parameter.empty
    signature = parameters(storage.StorageContext.persist_current_checkpoint)
    assert list(signature) == ["self", "checkpoint", "checkpoint_dir_name"]
    assert parameters(storage.StorageContext.__init__) | {"self": empty} == {
        "self": empty,
        "storage_path": empty,
        "experiment_dir_name": empty,
        "storage_filesystem": None,
        "read_only": False,
    }
    assert isinstance(vars(storage.StorageContext)["experiment_fs_path"], property)
    assert list(parameters(storage.delete_fs_path)) == ["fs", "fs_path"]
    assert list(parameters(context.is_managed_checkpoint)) == ["storage_context", "checkpoint"]


def test_the_words_of_report():
    assert {mode.name for mode in report_config.CheckpointUploadMode} == {"SYNC", "ASYNC", "NO_UPLOAD"}
    assert list(parameters(reported_checkpoint.ReportedCheckpoint)) == ["checkpoint", "metrics", "status"]
    assert "COMMITTED" in reported_checkpoint.ReportedCheckpointStatus.__members__
