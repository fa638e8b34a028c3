"""Entrypoint of the Ray job: `python -m mlp_harness.driver` holds one warm worker group for one allocation."""

import os
import sys
import time
from typing import Any

import ray
import ray.train
import ray.train.torch

from .deaths import DeathReporter
from .protocol import (
    ALLOCATION_VARIABLE,
    TOKEN_VARIABLE,
    Allocation,
    ConfigurationError,
    RecycleGroupError,
    RunFailedError,
)
from .worker_loop import worker_loop

EXIT_CODES = {"drain": 0, "gone": 0, "unreachable": 3}
MALFORMED_ENVIRONMENT = 2

# Read by Ray Train in this process and handed on to its controller and workers.
RAY_TRAIN_SETTINGS = {
    # A failed or finished group is noticed within this many seconds (Ray's default: 2).
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    # Output is caught at the file descriptors; Ray's print patch would print everything twice.
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}

GIB = 2**30
MAX_BARREN_GROUPS = 20
LONG_LIFE_S = 60.0

# Type checkers see the classes of Ray Train v1 under these names; what runs is v2.
train: Any = ray.train
torch_train: Any = ray.train.torch


class BarrenGroupGuard(ray.train.UserCallback):
    """Ends the job when worker groups keep dying without a run being the reason (runs in Ray's controller)."""

    def __init__(self) -> None:
        self._barren = 0
        self._since = time.monotonic()

    def after_exception(self, run_context: object, worker_exceptions: dict[int, Exception]) -> None:
        """Count failures that no run explains; a failed or recycled run, or a minute of life, starts anew."""
        lived_s, self._since = time.monotonic() - self._since, time.monotonic()
        if lived_s > LONG_LIFE_S or any(_expected(error) for error in worker_exceptions.values()):
            self._barren = 0
            return
        self._barren += 1
        if self._barren >= MAX_BARREN_GROUPS:
            raise RuntimeError(
                f"{self._barren} worker groups in a row died without finishing a run; giving up."
            )


def _expected(error: Exception) -> bool:
    # Ray wraps the exception of the train function together with its traceback.
    return isinstance(getattr(error, "_base_exc", error), RunFailedError | RecycleGroupError)


def build_trainer(allocation: Allocation) -> Any:
    """The TorchTrainer whose workers lease runs: Ray's restarts are wanted, its checkpoints are not used."""
    resources = {"CPU": allocation.cpus_per_worker}
    if allocation.gpus_per_worker:
        resources["GPU"] = allocation.gpus_per_worker
    if allocation.memory_per_worker:
        resources["memory"] = int(allocation.memory_per_worker * GIB)
    # Workers inherit these from the job, unless the driver was started some other way.
    variables = {name: os.environ[name] for name in (ALLOCATION_VARIABLE, TOKEN_VARIABLE)}
    return torch_train.TorchTrainer(
        worker_loop,
        scaling_config=train.ScalingConfig(
            num_workers=allocation.workers,
            use_gpu=allocation.gpus_per_worker > 0,
            resources_per_worker=resources,
        ),
        run_config=train.RunConfig(
            name=f".allocations/{allocation.id}",
            storage_path=allocation.storage_path,
            # A failed run costs its worker group; the portal decides how often a run is tried.
            failure_config=train.FailureConfig(max_failures=-1),
            callbacks=[DeathReporter(allocation.url, allocation.token), BarrenGroupGuard()],
            logging_config=train.LoggingConfig(log_level="WARNING"),
            worker_runtime_env={"env_vars": variables},
        ),
    )


def main() -> int:
    """Run the allocation to its end and return the process's exit code."""
    try:
        allocation = Allocation.from_environment(os.environ)
    except ConfigurationError as error:
        sys.stderr.write(f"mlp_harness: {error}\n")
        return MALFORMED_ENVIRONMENT
    for name, value in RAY_TRAIN_SETTINGS.items():
        os.environ.setdefault(name, value)
    ray.init()
    reason: str = build_trainer(allocation).fit().return_value
    sys.stdout.write(f"mlp_harness: allocation {allocation.id} ends: {reason}\n")
    return EXIT_CODES[reason]


if __name__ == "__main__":
    sys.exit(main())
