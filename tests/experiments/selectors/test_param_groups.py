"""Runs by the value of one parameter."""

import math
from typing import Any

import pytest

from accounts.models import User
from experiments.models import Experiment
from experiments.selectors import param_groups as selector
from experiments.selectors.param_groups import GroupRow, param_groups
from experiments.selectors.tables import experiment_space, run_table
from experiments.services.launch import runs_add
from tests.experiments.conftest import Finish


@pytest.fixture
def runs(owner: User, experiment: Experiment, finish: Finish) -> Experiment:
    """Numbers 1 and 2 have lr 0.1 and 0.2; 3 to 6 are added."""
    sets: list[dict[str, Any]] = [{"lr": 0.1}, {"lr": 0.1}, {"lr": 0.2}, {"lr": 0.3}]
    runs_add(user=owner, experiment=experiment, param_sets=sets)
    for number, values in ((1, (0.5,)), (3, (0.7, 0.6)), (4, (0.9,)), (2, (0.8,)), (5, (0.4,))):
        finish(number, accuracy=values, state="failed" if number == 4 else "completed")
    experiment.refresh_from_db()
    return experiment


def groups(experiment: Experiment, where: str = "", sort: str = "") -> list[GroupRow]:
    return param_groups(experiment_space(experiment), "lr", where=where, sort=sort, metrics=["accuracy"])


def test_mean_and_deviation_over_what_completed(runs: Experiment) -> None:
    low, middle, high = groups(runs)
    assert (low.value, low.size, low.states) == (0.1, 3, [("completed", 2), ("failed", 1)])
    spread = low.metrics["accuracy"]
    assert spread.mean == pytest.approx(0.6)
    assert spread.std == pytest.approx(math.sqrt(0.02))
    assert spread.count == 2
    assert middle.metrics["accuracy"].mean == pytest.approx(0.6)
    assert (high.states, high.metrics, high.seconds) == ([("queued", 1)], {}, None)
    assert low.seconds is not None


def test_orders(runs: Experiment) -> None:
    assert [group.value for group in groups(runs, sort="-params.lr")] == [0.3, 0.2, 0.1]
    runs.runs.filter(number=5).update(state="canceled")
    assert [group.value for group in groups(runs, sort="-metrics.accuracy")] == [0.2, 0.1, 0.3]
    assert [group.value for group in groups(runs, sort="metrics.accuracy")] == [0.1, 0.2, 0.3]


def test_each_says_how_to_find_its_runs(runs: Experiment) -> None:
    space = experiment_space(runs)
    for where in ("", "number < 3 or state = completed"):
        for group in groups(runs, where=where):
            found = run_table(space, where=group.where).rows
            assert len(found) == group.size
            assert {row.run.params["lr"] for row in found} == {group.value}
    assert [group.size for group in groups(runs, where="number < 3 or state = completed")] == [2, 2]


def test_few_queries_and_few_values(
    runs: Experiment, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(selector, "MAX_GROUPS", 2)
    space = experiment_space(runs)
    with django_assert_num_queries(3):
        found = param_groups(space, "lr", where="", sort="", metrics=["accuracy"])
    assert [group.value for group in found] == [0.1, 0.2]
