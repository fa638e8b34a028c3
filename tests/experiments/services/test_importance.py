import subprocess
from typing import Any

import pytest

from experiments.models import Experiment
from experiments.services import importance
from experiments.services.importance import parameter_importance
from mlplatform.kernel.errors import Unavailable
from tests.experiments.swept import add_runs

SETS = [({"lr": (n * 0.618) % 1, "epochs": n % 4 + 1}, ((n * 0.618) % 1) ** 2) for n in range(24)]


@pytest.fixture
def swept(experiment: Experiment) -> Experiment:
    experiment.runs.all().delete()
    importance._asked.cache_clear()
    return experiment


def reason(experiment: Experiment) -> str:
    found = parameter_importance(experiment)
    assert (found.shares, found.evaluator) == ((), "")
    return found.reason


def test_shares_by_the_forest(swept: Experiment) -> None:
    add_runs(swept, SETS)
    found = parameter_importance(swept)
    assert (found.evaluator, found.sets, found.reason) == ("fANOVA", 24, "")
    assert [name for name, _ in found.shares] == ["lr", "epochs"]
    assert found.shares[0][1] > 0.8
    assert found.to_json()["importances"][0] == {"name": "lr", "share": found.shares[0][1]}


def test_the_same_question_is_asked_once(swept: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    add_runs(swept, SETS)
    first = parameter_importance(swept)
    monkeypatch.setattr(subprocess, "run", None)
    assert parameter_importance(swept) == first


@pytest.mark.parametrize("why", ["no scikit-learn", "many sets", "a set lacks a parameter"])
def test_ped_anova_where_the_forest_does_not_do(
    swept: Experiment, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    add_runs(swept, SETS)
    if why == "no scikit-learn":
        monkeypatch.setattr(importance, "find_spec", lambda name: None)
    elif why == "many sets":
        monkeypatch.setattr(importance, "FANOVA_SETS", 20)
    else:
        add_runs(swept, [({"lr": 0.3}, 0.09), ({"lr": 0.35}, 0.1)])
    assert parameter_importance(swept).evaluator == "PED-ANOVA"


def test_why_there_is_none(swept: Experiment) -> None:
    assert "there are none so far" in reason(swept)
    add_runs(swept, SETS[:3])
    add_runs(swept, [({"lr": 1.0}, None)])
    add_runs(swept, [({"lr": 0.9}, 0.5)], state="pruned")
    assert reason(swept) == "It takes 10 completed sets with a value to say this; there are 3 so far."
    swept.objective_metric = ""
    assert "no objective" in reason(swept)


def test_a_parameter_that_never_varied(swept: Experiment) -> None:
    add_runs(swept, [({"lr": 0.1}, n / 10) for n in range(12)])
    assert "No parameter has varied" in reason(swept)


def test_values_that_never_differ(swept: Experiment) -> None:
    add_runs(swept, [({"lr": n / 10}, 0.5) for n in range(12)])
    assert "the same value" in reason(swept)


def test_values_beyond_all_bounds(swept: Experiment) -> None:
    add_runs(swept, [({"lr": n / 20}, 10.0 ** (n * 15)) for n in range(20)])
    assert parameter_importance(swept).shares


def test_the_newest_sets_count(swept: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "MAX_SETS", 12)
    add_runs(swept, SETS)
    found = parameter_importance(swept)
    assert (found.sets, found.left_out) == (12, 12)


def test_it_is_ended_when_it_takes_too_long(swept: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    add_runs(swept, SETS)
    monkeypatch.setattr(importance, "LIMIT_S", 0.01)
    with pytest.raises(Unavailable, match="not known after"):
        parameter_importance(swept)
    monkeypatch.undo()
    assert parameter_importance(swept).shares


def test_one_at_a_time(swept: Experiment) -> None:
    add_runs(swept, SETS)
    with importance._turn, pytest.raises(Unavailable, match="in a few seconds"):
        parameter_importance(swept)


def test_a_failure_is_none_of_ours_to_hide(swept: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    add_runs(swept, SETS)

    def broken(*args: Any, **kwargs: Any) -> Any:
        return subprocess.CompletedProcess(args, 1, "", "ImportError: optuna")

    monkeypatch.setattr(subprocess, "run", broken)
    with pytest.raises(RuntimeError, match="ImportError: optuna"):
        parameter_importance(swept)
