import json
import math
from typing import Any

import pytest

from experiments.models import Experiment, RunMetric
from experiments.selectors import analysis
from experiments.selectors.analysis import run_columns
from tests.experiments.conftest import Finish
from tests.experiments.swept import add_runs


@pytest.fixture
def empty(experiment: Experiment) -> Experiment:
    """Without a run."""
    experiment.runs.all().delete()
    return experiment


def test_columns(experiment: Experiment, finish: Finish) -> None:
    finish(1, accuracy=(0.5, 0.9, 0.7))
    experiment.refresh_from_db()
    body = run_columns(experiment).to_json()
    assert json.loads(json.dumps(body)) == body
    runs = body["runs"]
    assert (runs["number"], runs["set"], runs["state"]) == ([1, 2], [1, 2], ["completed", "queued"])
    # The best value counts, not the last.
    assert runs["objective"] == [0.9, None]
    assert runs["ended"][0] > runs["started"][0]
    assert runs["seconds"][0] >= 0
    assert (runs["started"][1], runs["ended"][1], runs["seconds"][1]) == (None, None, None)
    assert body["axes"] == [{"name": "lr", "low": 0.1, "high": 0.2, "log": False}]
    assert body["params"] == {"lr": [0.1, 0.2]}
    assert body["constant"] == {"epochs": 3}
    assert body["objective"] == {"metric": "accuracy", "direction": "maximize", "target": None}
    assert (body["left_out"], body["parameters_left_out"]) == (0, [])


@pytest.mark.parametrize(("direction", "expected"), [("maximize", 0.9), ("minimize", 0.1)])
def test_the_better_end_counts(experiment: Experiment, direction: str, expected: float) -> None:
    experiment.objective_direction = direction
    run = experiment.runs.get(number=1)
    values: dict[str, Any] = {
        "run_number": 1,
        "last": 0.5,
        "last_step": 3,
        "min": 0.1,
        "max": 0.9,
        "count": 3,
    }
    RunMetric.objects.create(run=run, experiment=experiment, name="accuracy", **values)
    assert run_columns(experiment).runs["objective"] == [expected, None]


def test_values_that_are_not_finite_are_none(empty: Experiment) -> None:
    [nan, _] = add_runs(empty, [({"lr": 0.1}, 0.5), ({"lr": 0.2}, math.inf)])
    nan.metrics.update(last=math.nan, min=None, max=None)
    assert run_columns(empty).runs["objective"] == [None, None]


def test_without_an_objective_or_a_run(empty: Experiment) -> None:
    empty.objective_metric = ""
    body = run_columns(empty).to_json()
    assert body["runs"]["number"] == []
    assert body["axes"] == []
    add_runs(empty, [({"lr": 0.1}, None)])
    body = run_columns(empty).to_json()
    assert body["runs"]["objective"] == [None]
    assert body["constant"] == {"lr": 0.1}


def test_parameters_that_some_runs_do_not_have(empty: Experiment, typed_bundle: Any) -> None:
    empty.parameters = typed_bundle.manifest["parameters"]
    add_runs(
        empty,
        [
            ({"optimizer": "adam"}, 0.1),
            ({"optimizer": "sgd", "momentum": 0.5}, 0.2),
            ({"optimizer": "sgd", "momentum": 0.9}, 0.3),
        ],
    )
    body = run_columns(empty).to_json()
    assert body["params"] == {"optimizer": [0, 1, 1], "momentum": [None, 0.5, 0.9]}
    assert body["axes"][0] == {"name": "optimizer", "choices": ["adam", "sgd"]}


def test_it_is_bounded_and_says_so(empty: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "MAX_RUNS", 2)
    monkeypatch.setattr(analysis, "MAX_VALUES", 2)
    monkeypatch.setattr(analysis, "MIN_PARAMETERS", 1)
    add_runs(empty, [({"lr": n / 10, "epochs": n}, n) for n in range(1, 5)])
    body = run_columns(empty).to_json()
    assert body["runs"]["number"] == [3, 4]
    assert body["left_out"] == 2
    assert list(body["params"]) == ["lr"]
    assert body["parameters_left_out"] == ["epochs"]


def test_queries_do_not_grow_with_runs(empty: Experiment, django_assert_num_queries: Any) -> None:
    add_runs(empty, [({"lr": n}, n) for n in range(50)])
    with django_assert_num_queries(1):
        run_columns(empty)
