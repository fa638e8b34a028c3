"""The built-in examples with one worker and without Ray: they learn, resume exactly, and export what they learned."""

from pathlib import Path
from shutil import copytree

import pytest
import ray.train
import torch
import yaml
from ray.train.v2._internal.execution.train_fn_utils import LocalTrainFnUtils, set_train_fn_utils

from runners.harness.code import load_entrypoint, user_code

EXAMPLES = Path(__file__).parents[3] / "experiments" / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/experiment.yaml"))
SMALL = {
    "digits": {"epochs": 3, "augment": True, "dropout": 0.3},
    "chargpt": {"rounds": 3, "steps_per_round": 6, "batch_size": 4, "context": 16, "dropout": 0.3},
}
LENGTH = {"digits": "epochs", "chargpt": "rounds"}


class Recorder(LocalTrainFnUtils):
    """Keeps metrics and copies of checkpoints, like a very small platform."""

    def __init__(self, folder, checkpoint=None):
        super().__init__("example")
        self.folder, self.metrics, self.checkpoints = folder, [], [checkpoint]

    def report(self, metrics, checkpoint=None, *more, **options):
        self.metrics.append(metrics)
        path = copytree(checkpoint.path, self.folder / str(len(self.metrics)))
        self.checkpoints.append(ray.train.Checkpoint(str(path)))

    def get_checkpoint(self):
        return self.checkpoints[-1]


@pytest.fixture
def train(tmp_path):
    """train(name, config, checkpoint) runs an example and returns its Recorder."""
    folders, threads = iter(range(100)), torch.get_num_threads()
    torch.set_num_threads(1)  # as in a Ray worker with one CPU; small tensors gain nothing from more

    def run(name, config, checkpoint=None):
        recorder = Recorder(tmp_path / str(next(folders)), checkpoint)
        set_train_fn_utils(recorder)
        torch.manual_seed(123)
        with user_code(EXAMPLES / name):
            load_entrypoint(declaration(name)["entrypoint"], EXAMPLES / name)(defaults(name) | config)
        return recorder

    yield run
    set_train_fn_utils(None)
    torch.set_num_threads(threads)


def declaration(name):
    return yaml.safe_load((EXAMPLES / name / "experiment.yaml").read_text())


def defaults(name):
    return {key: parameter["default"] for key, parameter in declaration(name)["parameters"].items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_declaration_is_complete(name):
    declared = declaration(name)
    assert declared["name"] == name
    assert declared["progress"] in declared["parameters"]
    assert declared["objective"]["direction"] in {"maximize", "minimize"}
    kinds = {"int": int, "float": float, "bool": bool, "categorical": str}
    for key, parameter in declared["parameters"].items():
        assert parameter["help"].endswith("."), key
        assert type(parameter["default"]) is kinds[parameter["type"]], key
        if "min" in parameter:
            assert parameter["min"] <= parameter["default"] <= parameter["max"], key
        if "choices" in parameter:
            assert parameter["default"] in parameter["choices"], key


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_ends_like_an_undisturbed_one(train, name):
    whole = train(name, SMALL[name])
    resumed = train(name, SMALL[name], checkpoint=whole.checkpoints[2])
    assert len(whole.metrics) == SMALL[name][LENGTH[name]]
    assert resumed.metrics == whole.metrics[2:]
    assert declaration(name)["objective"]["metric"] in whole.metrics[0]


def test_digits_reaches_97_percent_and_its_model_runs_alone(train):
    recorder = train("digits", {})
    assert recorder.metrics[-1]["accuracy"] >= 0.97
    model = torch.export.load(Path(recorder.checkpoints[-1].path, "model.pt2")).module()
    for images in (1, 7):
        assert model(torch.zeros(images, 1, 8, 8)).shape == (images, 10)


def test_digits_learns_with_the_other_optimizer(train):
    metrics = train("digits", {"epochs": 3, "optimizer": "sgd", "lr": 0.01}).metrics
    assert metrics[-1]["val_loss"] < metrics[0]["val_loss"]


def test_chargpt_learns_and_its_model_runs_alone(train):
    config = {"rounds": 3, "steps_per_round": 20, "batch_size": 8, "layers": 1}
    recorder = train("chargpt", config)
    losses = [metrics["val_loss"] for metrics in recorder.metrics]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 3.0
    model = torch.export.load(Path(recorder.checkpoints[-1].path, "model.pt2")).module()
    assert model(torch.zeros(3, 10, dtype=torch.long)).shape[:2] == (3, 10)
    assert Path(recorder.checkpoints[-1].path, "characters.json").exists()
