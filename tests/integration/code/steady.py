"""Reports values that tell which run, which step and which beginning they belong to."""

import json
import tempfile
import time
from pathlib import Path

import ray.train


def train(config):
    number, reports, pause = config.get("number", 1), config.get("reports", 10), config.get("pause", 0.2)
    done = 0
    checkpoint = ray.train.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            done = json.loads(Path(folder, "state.json").read_text())["done"]
    for step in range(done + 1, reports + 1):
        time.sleep(pause)
        metrics = {"value": number * 1000 + step, "began": done}
        if step % 2:
            ray.train.report(metrics)
            continue
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "state.json").write_text(json.dumps({"done": step}))
            ray.train.report(metrics, checkpoint=ray.train.Checkpoint.from_directory(folder))
