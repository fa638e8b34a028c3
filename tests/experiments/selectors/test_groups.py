import math
from typing import Any

import pytest

from experiments.models import Experiment, Run, RunMetric
from experiments.selectors.groups import SetRow, Spread, set_rows
from experiments.selectors.runs import RunRow, RunTable
from mlplatform.kernel.errors import InvalidInput


def row(number: int, set_number: int, accuracy: float | None = None, **more: Any) -> RunRow:
    params = more.pop("params", {"lr": set_number / 10})
    experiment = Experiment(objective_metric=more.pop("objective", ""))
    state = more.pop("state", "completed")
    run = Run(experiment=experiment, number=number, set_number=set_number, params=params, state=state)
    best = more.pop("best", None)
    metrics = {} if accuracy is None else {"accuracy": RunMetric(name="accuracy", last=accuracy, max=best)}
    return RunRow(run=run, metrics=metrics, seconds=more.pop("seconds", None), eta_seconds=None)


def table(*rows: RunRow) -> RunTable:
    return RunTable(rows=list(rows), metric_names=["accuracy"], param_names=["lr"], sort="number")


def numbers(rows: list[SetRow]) -> list[int]:
    return [found.number for found in rows]


def test_mean_and_deviation_of_the_repeats() -> None:
    one, two = set_rows(
        table(
            row(1, 1, 0.5, seconds=2.0),
            row(2, 1, 0.7, seconds=3.0),
            row(3, 2, 0.9),
            row(4, 2, state="queued"),
        )
    )
    assert one.metrics["accuracy"].mean == pytest.approx(0.6)
    assert one.metrics["accuracy"].std == pytest.approx(0.1 * math.sqrt(2))
    assert one.seconds == 5
    assert [run.number for run in one.runs] == [1, 2]
    assert two.metrics["accuracy"] == Spread(0.9, None, 1)
    assert two.states == [("queued", 1), ("completed", 1)]
    assert two.seconds is None


@pytest.mark.parametrize("state", ["queued", "running", "failed", "pruned", "canceled"])
def test_only_completed_repeats_count(state: str) -> None:
    one, two = set_rows(table(row(1, 1, 0.9), row(2, 1, 0.1, state=state), row(3, 2, 0.5, state=state)))
    assert one.metrics["accuracy"] == Spread(0.9, None, 1)
    assert two.metrics == {}


def test_values_that_are_not_finite_do_not_count() -> None:
    (found,) = set_rows(table(row(1, 1, math.nan), row(2, 1, 0.7), row(3, 1, math.inf)))
    assert found.metrics == {"accuracy": Spread(0.7, None, 1)}


def test_order() -> None:
    rows = table(
        row(5, 3, 0.5, params={"lr": 0.1}, seconds=1.0),
        row(1, 1, 0.9, params={"lr": 0.3}, seconds=3.0),
        row(3, 2, params={}),
    )
    assert numbers(set_rows(rows)) == [1, 2, 3]
    assert numbers(set_rows(rows, "-number")) == [3, 2, 1]
    assert numbers(set_rows(rows, "metric:accuracy")) == [3, 1, 2]
    assert numbers(set_rows(rows, "-metric:accuracy")) == [1, 3, 2]
    assert numbers(set_rows(rows, "param:lr")) == [3, 1, 2]
    assert numbers(set_rows(rows, "-param:lr")) == [1, 3, 2]
    assert numbers(set_rows(rows, "-seconds")) == [1, 3, 2]


def test_values_of_several_types_have_an_order() -> None:
    values = [True, "b", 2, "a", 1.5]
    rows = [row(n, n, params={"lr": value}) for n, value in enumerate(values, 1)]
    assert numbers(set_rows(table(*rows), "param:lr")) == [4, 2, 5, 3, 1]


@pytest.mark.parametrize("sort", ["state", "param:nope", "metric:", "number:x", "-"])
def test_unknown_sort(sort: str) -> None:
    with pytest.raises(InvalidInput, match="Cannot sort sets by"):
        set_rows(table(row(1, 1)), sort)


def test_no_runs() -> None:
    assert set_rows(table()) == []


def test_the_objective_counts_with_its_best_value() -> None:
    rows = [
        row(1, 1, 0.983, best=0.989, objective="accuracy"),
        row(2, 1, 0.9, best=0.987, objective="accuracy"),
    ]
    assert set_rows(table(*rows))[0].metrics["accuracy"].mean == pytest.approx(0.988)
