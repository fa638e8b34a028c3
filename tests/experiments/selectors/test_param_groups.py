"""Runs by the value of one parameter."""

import math
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from experiments.models import Experiment, RunParam
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


def groups(experiment: Experiment, where: str = "", sort: str = "", number: int = 1) -> list[GroupRow]:
    space = experiment_space(experiment)
    return param_groups(space, "lr", where=where, sort=sort, metrics=["accuracy"], number=number).groups


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


def test_pages_of_values_in_every_order(runs: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "MAX_GROUPS", 2)
    for sort in ("", "-params.lr", "metrics.accuracy", "-metrics.accuracy", "duration"):
        pages = [groups(runs, sort=sort, number=number) for number in (1, 2, 3)]
        assert [len(page) for page in pages] == [2, 1, 0]
        assert sorted(group.value for page in pages for group in page if group.value) == [0.1, 0.2, 0.3]
    page = param_groups(experiment_space(runs), "lr", where="", sort="", metrics=[])
    assert (page.count, page.number, page.has_following) == (3, 1, True)


@pytest.mark.parametrize("few", [0, selector.FEW_RUNS])
def test_however_they_are_looked_up(runs: Experiment, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(selector, "FEW_RUNS", few)
    low, middle = groups(runs, where="state = completed")
    assert (low.size, low.metrics["accuracy"].count) == (2, 2)
    assert middle.metrics["accuracy"].mean == pytest.approx(0.6)


def test_text_comes_after_numbers(owner: User, runs: Experiment) -> None:
    RunParam.objects.filter(experiment=runs, run_number=6).update(number=None, text="auto")
    assert [group.value for group in groups(runs)] == [0.1, 0.2, "auto"]
    assert [group.value for group in groups(runs, sort="-params.lr")] == ["auto", 0.2, 0.1]


def test_as_many_queries_whatever_there_is(runs: Experiment) -> None:
    space = experiment_space(runs)

    def count(**asked: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            param_groups(space, "lr", where="", sort="", metrics=["accuracy"], **asked)
        return len(queries)

    assert count() == count(number=9)
