"""A definition as the text of an experiment.yaml, and back."""

from typing import Any

import pytest
from hypothesis import given

from experiments.definition import Definition, read_yaml
from experiments.manifest import Manifest
from experiments.yaml_file import line_of, read
from mlplatform.kernel.errors import InvalidInput
from tests.experiments.definitions import CODE, DEFINITIONS, SETS

WRITTEN = """\
name: digits
entrypoint: train:train
objective: {metric: accuracy, direction: maximize}
progress: epochs
resources: {cpus_per_worker: 1, gpus_per_worker: 0, memory_per_worker: 0, workers: 2}
parameters:
  lr: {type: float, default: 0.01, min: 1.0e-05, max: 1, log: true}
  epochs: {type: int, default: 3}
search:
  method: random
  runs: 5
  space:
    lr: {min: 0.001, max: 0.1, log: true}
budget: {max_parallel: 2, max_hours: 0.5}
runs:
- {lr: 0.5, epochs: 3}
"""


@given(DEFINITIONS, SETS)
def test_any_definition_survives_being_written(definition: Definition, sets: list[dict[str, Any]]) -> None:
    text = definition.manifest(CODE, sets).to_yaml()
    assert read_yaml(text, CODE) == (definition, sets)
    # Beside the code it proposes the same.
    manifest = Manifest.from_yaml(text)
    assert (Definition.of_manifest(manifest), list(manifest.runs)) == (definition, sets)
    assert (manifest.parameters, manifest.progress) == (CODE.parameters, CODE.progress)


def test_it_is_written_as_people_would() -> None:
    assert Manifest.from_yaml(WRITTEN).to_yaml() == WRITTEN


def test_what_only_the_code_can_say_may_be_left_out() -> None:
    definition, sets = read_yaml("budget: {max_parallel: 3}", CODE)
    assert (definition.name, definition.entrypoint, definition.max_parallel) == ("digits", "train:train", 3)
    assert (definition.search, sets) == ({}, [])
    assert read_yaml("search: {method: grid, space: {lr: [0.1, 0.2]}}", CODE)[0].search["space"] == {
        "lr": [0.1, 0.2]
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x\nresources:\n  workers: many", "experiment.yaml, line 3: resources.workers is 'many'"),
        ("name: x\nbudgets: {}", "experiment.yaml, line 2: experiment.yaml has the unknown key budgets"),
        ("search:\n  method: tpe\n  space:\n    lr: {min: 2}", "line 4: search.space.lr.min is 2"),
        ("search:\n  method: tpe\n\n  space: {lr: ..}", "line 4: search.space.lr is"),
        ("search:\n  method: best", "line 2: search.method is 'best'"),
        ("objective:\n  direction: up", "line 2: objective.direction is 'up'"),
        ("runs:\n- {lr: 0.1}\n- lr: 0.1\n  epochs: 0", "line 4: in set 2 of runs: Parameter epochs is 0"),
        ("budget:\n  max_hours: -1", "line 2: budget.max_hours is -1"),
        ("name: a\nparameters:\n  lr: {type: float}", "line 3: parameters.lr is not as the code declares it"),
        ("name: a\nparameters:\n  new: {type: float}", "line 2: parameters.lr is not as the code"),
        ("a: 1\nprogress: 7", "line 1: experiment.yaml has the unknown key a"),
        ("name: a\nprogress: 7", "line 2: progress is not as the code declares it"),
        ("name: a\nb: [", "it is not valid YAML: while parsing a flow node"),
        ("parameters:\n  epochs: {type: whole}", "line 2: Parameter epochs has the type 'whole'"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_yaml(text, CODE)
    assert words in caught.value.message
    assert caught.value.field == "code"


def test_the_order_of_parameters_may_change() -> None:
    manifest = Manifest.from_yaml(WRITTEN)
    turned = WRITTEN.replace("  epochs: {type: int, default: 3}\n", "").replace(
        "parameters:\n", "parameters:\n  epochs: {type: int, default: 3}\n"
    )
    assert read_yaml(turned, manifest) == read_yaml(WRITTEN, manifest)


def test_lines() -> None:
    text = "a:\n  b.c: 1\n  d:\n  - x\n  - {e: 1}\n"
    assert [line_of(text, path) for path in ("a", "a.b.c", "a.d.1", "a.d.1.e", "a.d.9", "z")] == [
        1, 2, 5, 5, 3, None,
    ]  # fmt: skip
    assert line_of("", "a") is None
    assert read("") is None
