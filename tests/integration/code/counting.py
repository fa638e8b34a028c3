"""Counts slowly and keeps its place in a checkpoint."""

import json
import tempfile
import time
from pathlib import Path

import ray.train


def train(config):
    done = 0
    checkpoint = ray.train.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            done = json.loads(Path(folder, "state.json").read_text())["done"]
    for step in range(done + 1, config.get("epochs", 30) + 1):
        time.sleep(config.get("pause", 0.25))
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "state.json").write_text(json.dumps({"done": step}))
            ray.train.report({"count": step}, checkpoint=ray.train.Checkpoint.from_directory(folder))
