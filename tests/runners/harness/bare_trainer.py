"""Runs an example's train function under a plain TorchTrainer, as its author would without the platform.

Arguments: folder of the example, storage path, config as JSON. Prints the last metrics as JSON.
"""

import importlib
import json
import sys

import ray
import ray.train
from ray.train.torch import TorchTrainer


def run(folder: str, storage: str, config: dict) -> dict:
    """Train one example with two workers and return what Ray's Result says."""
    sys.path.insert(0, folder)
    train = importlib.import_module("train").train

    ray.init(runtime_env={"working_dir": folder}, log_to_driver=False)
    result = TorchTrainer(
        train,
        train_loop_config=config,
        scaling_config=ray.train.ScalingConfig(num_workers=2),
        run_config=ray.train.RunConfig(name="bare", storage_path=storage),
    ).fit()
    assert result.checkpoint is not None
    return {"metrics": result.metrics, "checkpoint": result.checkpoint.path}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))))  # noqa: T201
