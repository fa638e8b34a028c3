"""The built-in examples, unmodified, with two workers under a bare TorchTrainer."""

import json
import math
import subprocess
import sys
from pathlib import Path
from pydoc_data.topics import topics

import pytest
import yaml

from tests.runners.harness.ray_jobs import ROOT

pytestmark = pytest.mark.ray

EXAMPLES = ROOT / "experiments" / "examples"


def characters():
    """How many different ones are in the text of chargpt."""
    return len(set("\n\n".join(topics.values())))


def config_of(name):
    declared = yaml.safe_load((EXAMPLES / name / "experiment.yaml").read_text())["parameters"]
    return {key: parameter["default"] for key, parameter in declared.items()}


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("digits", {}, {"accuracy": (0.97, 1.0)}),
        # Better than to know nothing but how many characters there are.
        (
            "chargpt",
            {"rounds": 2, "steps_per_round": 5, "batch_size": 4},
            {"val_loss": (0.0, math.log(characters()))},
        ),
    ],
)
def test_under_a_bare_torch_trainer(ray_cluster, tmp_path, name, changes, expected):
    arguments = [EXAMPLES / name, tmp_path, json.dumps(config_of(name) | changes)]
    finished = subprocess.run(
        [sys.executable, Path(__file__).with_name("bare_trainer.py"), *arguments],
        # Ray's own report waits for its controller, which looks every 2 s unless told otherwise.
        env={
            **ray_cluster.environment,
            "RAY_ADDRESS": ray_cluster.address,
            "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.1",
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-5000:]
    result = json.loads(finished.stdout.splitlines()[-1])
    for metric, (low, high) in expected.items():
        assert low <= result["metrics"][metric] <= high
    assert Path(result["checkpoint"], "model.pt2").exists()
