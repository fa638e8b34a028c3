"""The seam to Ray Train: makes `ray.train.report`, `get_checkpoint` and `get_context` act on the current run.

This is the only file that touches `ray.train.v2` internals; `tests/contracts/test_ray_train_internals.py` checks that
they still look the way this file needs them.
"""

import posixpath
from collections.abc import Callable
from functools import cached_property
from typing import Any

from ray.train import Checkpoint
from ray.train.v2._internal.execution.context import is_managed_checkpoint
from ray.train.v2._internal.execution.storage import StorageContext, delete_fs_path
from ray.train.v2._internal.execution.train_fn_utils import (
    DistributedTrainFnUtils,
    set_train_fn_utils,
)
from ray.train.v2.api.context import DistributedTrainContext
from ray.train.v2.api.report_config import CheckpointConsistencyMode, CheckpointUploadMode
from ray.train.v2.api.reported_checkpoint import ReportedCheckpoint, ReportedCheckpointStatus
from ray.train.v2.api.validation_config import ValidationTaskConfig

from .session import CheckpointOptions, RunSession


class RayCheckpointStore:
    """A run's folder in the storage path, written and read through Ray Train's own storage code."""

    def __init__(self, storage_path: str, run_id: str) -> None:
        self._storage_path = storage_path
        self._run_id = run_id

    @cached_property
    def storage(self) -> StorageContext:
        """Made on first use: a run without checkpoints leaves no folder behind."""
        return StorageContext(storage_path=self._storage_path, experiment_dir_name=self._run_id)

    def persist(self, checkpoint: Checkpoint, folder: str) -> str:
        self.storage.persist_current_checkpoint(checkpoint, folder)
        return self._uri(folder)

    def adopt(self, checkpoint: Checkpoint) -> str:
        if not isinstance(checkpoint, Checkpoint):
            raise TypeError(
                f"checkpoint_upload_fn must return a ray.train.Checkpoint, not a {type(checkpoint).__name__}."
            )
        if not is_managed_checkpoint(self.storage, checkpoint):
            raise ValueError(
                f"The checkpoint {checkpoint.path!r} lies outside the run's storage "
                f"{self.storage.experiment_fs_path!r}; "
                "build its path from ray.train.get_context().get_storage().experiment_fs_path, or leave "
                "checkpoint_upload_mode and checkpoint_upload_fn at their defaults."
            )
        return self._uri(posixpath.relpath(checkpoint.path, self.storage.experiment_fs_path))

    def open(self, path: str) -> Checkpoint:
        return Checkpoint(path)

    def discard(self, checkpoint: Checkpoint) -> None:
        delete_fs_path(checkpoint.filesystem, checkpoint.path)

    def _uri(self, folder: str) -> str:
        """The folder with the scheme of the storage path, so that whoever reads it later finds the file system."""
        return f"{self._storage_path}/{self._run_id}/{folder}"


class RunContext(DistributedTrainContext):
    """Ray's context of this worker, with the run's name and storage."""

    def __init__(self, session: RunSession, store: RayCheckpointStore) -> None:
        self._session = session
        self._store = store

    def get_experiment_name(self) -> str:
        return self._session.lease.name

    def get_storage(self) -> StorageContext:
        return self._store.storage


class RunTrainFnUtils(DistributedTrainFnUtils):
    """Ray Train's user-facing functions, bound to one run."""

    def __init__(self, session: RunSession, store: RayCheckpointStore) -> None:
        self._session = session
        self._context = RunContext(session, store)

    def report(  # noqa: PLR0917  # Ray's signature
        self,
        metrics: dict[str, Any],
        checkpoint: Checkpoint | None = None,
        checkpoint_dir_name: str | None = None,
        checkpoint_upload_mode: CheckpointUploadMode = CheckpointUploadMode.SYNC,
        delete_local_checkpoint_after_upload: bool | None = None,
        checkpoint_upload_fn: Callable[[Checkpoint, str], Checkpoint] | None = None,
        validation: bool | ValidationTaskConfig = False,
    ) -> None:
        """Report to the current run. ASYNC saves synchronously: what a checkpoint promises is kept, only sooner."""
        if validation:
            raise ValueError(
                "ray.train.report(validation=…) is not supported: the platform has no validation function. "
                "Validate inside the train function and report the metric."
            )
        if delete_local_checkpoint_after_upload is None:
            delete_local_checkpoint_after_upload = (
                checkpoint_upload_mode.default_delete_local_checkpoint_after_upload()
            )
        options = CheckpointOptions(
            folder=checkpoint_dir_name,
            upload=checkpoint_upload_mode is not CheckpointUploadMode.NO_UPLOAD,
            delete_local=delete_local_checkpoint_after_upload,
            upload_fn=checkpoint_upload_fn,
        )
        self._session.report(metrics, checkpoint, options)

    def get_checkpoint(self) -> Checkpoint | None:
        checkpoint: Checkpoint | None = self._session.checkpoint()
        return checkpoint

    def get_all_reported_checkpoints(
        self,
        consistency_mode: CheckpointConsistencyMode = CheckpointConsistencyMode.VALIDATED,
        timeout_s: float | None = None,
    ) -> list[ReportedCheckpoint]:
        """This attempt's checkpoints; each is committed when `report` returns, so there is nothing to wait for."""
        return [
            ReportedCheckpoint(
                checkpoint=reported.checkpoint,
                metrics=reported.metrics,
                status=ReportedCheckpointStatus.COMMITTED,
            )
            for reported in self._session.reported
        ]

    def get_context(self) -> RunContext:
        return self._context


def bind_train_functions(session: RunSession, store: RayCheckpointStore) -> None:
    """Make Ray Train's functions act on `session` until the next run's takes its place.

    They are never given back to Ray: what a forgotten thread reports between two runs would stall the worker group,
    since Ray waits for all ranks to report the same number of times. A session that is over refuses it instead.
    """
    set_train_fn_utils(RunTrainFnUtils(session, store))
