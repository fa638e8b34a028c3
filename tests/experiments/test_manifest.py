import pytest

from experiments.manifest import Manifest
from experiments.models import Experiment
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
