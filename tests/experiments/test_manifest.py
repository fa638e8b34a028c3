from pathlib import Path

import pytest
from django.conf import settings

from experiments.manifest import KEYS, Manifest
from experiments.models import Experiment
from experiments.search.budget import Budget
from experiments.search.spec import SearchSpec
from mlplatform.kernel.errors import InvalidInput

TEXT = """
name: digits
entrypoint: train:train
objective: {metric: accuracy, direction: maximize}
progress: epochs
resources: {workers: 2, cpus_per_worker: 1}
parameters:
  epochs: {type: int, default: 8, min: 1}
"""


def test_yaml_becomes_a_manifest_and_survives_json() -> None:
    manifest = Manifest.from_yaml(TEXT)
    assert (manifest.workers, manifest.progress, manifest.objective_metric) == (2, "epochs", "accuracy")
    assert manifest.parameters["epochs"].default == 8
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_search_budget_and_checkpoints_survive_json() -> None:
    manifest = Manifest.from_yaml(
        TEXT
        + """
  lr: {type: float, default: 0.01, min: 1e-5, max: 1, log: true}
search:
  method: tpe
  runs: 40
  repeat: 3
  space: {lr: {min: 1e-4, max: 0.1}, epochs: 5}
  pruner: {method: asha}
budget: {max_parallel: 2, max_retries: 3, max_hours: 4, target: 0.99}
checkpoints: {keep_last: 2, keep_best: 0, keep_every: 10}
runs: [{lr: 0.5}, {epochs: 2}]
fresh_process: true
"""
    )
    assert (manifest.search.method, manifest.search.runs, manifest.search.repeat) == ("tpe", 40, 3)
    assert manifest.runs == ({"epochs": 8, "lr": 0.5}, {"epochs": 2, "lr": 0.01})
    assert (manifest.fresh_process, manifest.budget.max_retries) == (True, 3)
    assert list(manifest.search.space) == ["epochs", "lr"]
    assert (manifest.budget.max_seconds, manifest.budget.target) == (4 * 3600, 0.99)
    assert (manifest.keep_last, manifest.keep_best, manifest.keep_every) == (2, 0, 10)
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_the_documented_example_is_one() -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "search.md").read_text()
    manifest = Manifest.from_yaml(text.partition("```yaml")[2].partition("```")[0])
    assert set(manifest.to_json()) == KEYS
    assert [each["optimizer"] for each in manifest.runs] == ["adam", "sgd"]
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_memory_and_defaults() -> None:
    manifest = Manifest.from_yaml("resources: {memory_per_worker: 1.5}")
    assert manifest.memory_per_worker == 1.5
    assert manifest.search == SearchSpec()
    assert manifest.budget == Budget()
    assert (manifest.keep_last, manifest.keep_best, manifest.keep_every) == (1, 1, 0)


def test_the_order_of_parameters_survives_the_database(experiment: Experiment) -> None:
    names = [f"p{i:02}" + "x" * (20 - i) for i in range(20)]
    experiment.parameters = Manifest.from_json(
        {"parameters": {name: {"type": "int", "default": 1} for name in names}}
    ).to_json()["parameters"]
    experiment.save()
    assert list(Experiment.objects.get().declared) == names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a", "must be a mapping"),
        ("a: [", "not valid YAML"),
        ("entry: train:train", "unknown key entry"),
        ("objective: accuracy", "'accuracy'"),
        ("objective: {direction: up}", "'up'"),
        ("objective: {name: x}", "unknown key name"),
        ("resources: {cpus: 2}", "unknown key cpus"),
        ("resources: {workers: many}", "'many'"),
        ("progress: steps", "'steps'"),
        ("parameters: {lr: {type: number}}", "'number'"),
        ("parameters: [{type: int}]", "has no name"),
        ("entrypoint: [a]", "entrypoint is"),
        ("entrypoint: " + "x" * 201, "at most 200"),
        ('name: "a\\0b"', "NUL"),
        ("name: 2001-99-99", "not valid YAML"),
        ("a: &x 1\nb: *x", "alias"),
        ("[" * 2000, "not valid YAML"),
        ("#" * 70_000, "at most 65,536"),
        ("resources: {workers: .inf}", "finite"),
        ("resources: {cpus_per_worker: .nan}", "finite"),
        ("resources: {workers: -1}", "negative"),
        ("parameters: {[1]: {type: int}}", "not valid YAML"),
        ("parameters: {a: {type: int, when: {b: 1}}}", "condition on 'b', which is not declared"),
        ("search: {method: best}", "search.method is 'best'"),
        ("search: {method: random, runs: 2, space: {lr: 1}}", "search.space.lr is no declared parameter"),
        ("budget: {max_hours: 0}", "budget.max_hours is 0"),
        ("checkpoints: {keep_last: 0}", "checkpoints.keep_last is 0"),
        ("checkpoints: {keep: 1}", "unknown key keep"),
        ("resources: {memory_per_worker: -1}", "negative"),
        ("resources: {worker: 1}", "unknown key worker; did you mean workers? known are"),
        ("runs: {lr: 1}", "write a list of sets"),
        ("runs: [1]", "write a list of sets"),
        ("runs: [{lr: 1}]", "in set 1 of runs: There is no parameter lr"),
        (f"runs: [{'{},' * 1001}]", "lists 1001 sets"),
        ("fresh_process: 1", "write true or false"),
        ("budget: {max_retries: 11}", "budget.max_retries is 11"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Manifest.from_yaml(text)
    assert words in caught.value.message
    assert caught.value.field == "code"


def test_yaml_cannot_run_code() -> None:
    with pytest.raises(InvalidInput, match="not valid YAML"):
        Manifest.from_yaml("!!python/object/apply:os.system ['true']")
