import math
from typing import Any

import pytest

from accounts.models import User
from experiments.models import Experiment, Run, RunMetric, RunParam
from experiments.selectors.groups import Spread, set_row, set_table
from experiments.selectors.runs import RunRow
from experiments.selectors.tables import experiment_space, run_table
from experiments.services.launch import runs_add
from mlplatform.kernel.errors import InvalidInput
from tests.points import summary


def row(number: int, accuracy: float | None = None, **more: Any) -> RunRow:
    experiment = Experiment(objective_metric=more.pop("objective", ""))
    state = more.pop("state", "completed")
    run = Run(experiment=experiment, number=number, set_number=1, params={}, state=state)
    best = more.pop("best", None)
    metrics = {} if accuracy is None else {"accuracy": RunMetric(name="accuracy", last=accuracy, max=best)}
    return RunRow(run=run, metrics=metrics, seconds=more.pop("seconds", None), eta_seconds=None)


def test_mean_and_deviation_of_the_repeats() -> None:
    one = set_row(1, [row(1, 0.5, seconds=2.0), row(2, 0.7, seconds=3.0)])
    two = set_row(2, [row(3, 0.9), row(4, state="queued")])
    assert one.metrics["accuracy"].mean == pytest.approx(0.6)
    assert one.metrics["accuracy"].std == pytest.approx(0.1 * math.sqrt(2))
    assert one.seconds == 5
    assert [run.number for run in one.runs] == [1, 2]
    assert two.metrics["accuracy"] == Spread(0.9, None, 1)
    assert two.states == [("queued", 1), ("completed", 1)]
    assert two.seconds is None


@pytest.mark.parametrize("state", ["queued", "running", "failed", "pruned", "canceled"])
def test_only_completed_repeats_count(state: str) -> None:
    rows = [row(1, 0.9), row(2, 0.1, state=state)]
    assert set_row(1, rows).metrics["accuracy"] == Spread(0.9, None, 1)
    assert set_row(1, rows[1:]).metrics == {}


def test_values_that_are_not_finite_do_not_count() -> None:
    found = set_row(1, [row(1, math.nan), row(2, 0.7), row(3, math.inf)])
    assert found.metrics == {"accuracy": Spread(0.7, None, 1)}


def test_the_objective_counts_with_its_best_value() -> None:
    rows = [row(1, 0.983, best=0.989, objective="accuracy"), row(2, 0.9, best=0.987, objective="accuracy")]
    assert set_row(1, rows).metrics["accuracy"].mean == pytest.approx(0.988)


@pytest.fixture
def sets(owner: User, experiment: Experiment) -> Experiment:
    """Five sets: lr 0.1, 0.2, text, 3 and none; the objective of two runs of the first, one of the third, NaN.

    The run of the second one has not completed, so that its objective does not count.
    """
    runs_add(user=owner, experiment=experiment, param_sets=[{"lr": "b"}, {"lr": 3}, {"lr": 4}])
    RunParam.objects.filter(run_number=5).delete()
    again = Run.objects.get(number=1)
    again.pk, again.number, again.repeat = None, 6, 2
    again.save()
    Run.objects.exclude(number=2).update(state="completed")
    for number, value in ((1, 0.2), (2, 0.1), (6, 0.4), (3, 0.9), (4, math.nan), (5, math.inf)):
        best = {} if math.isnan(value) else {"max": value}
        summary(Run.objects.select_related("experiment").get(number=number), last=value, **best)
    return experiment


def order(experiment: Experiment, **how: Any) -> list[int]:
    return [found.number for found in set_table(experiment_space(experiment), **how).rows]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("number", [1, 2, 3, 4, 5]),
        ("-set", [5, 4, 3, 2, 1]),
        ("metrics.accuracy", [1, 3, 2, 4, 5]),
        ("-metrics.accuracy", [3, 1, 2, 4, 5]),
        ("params.lr", [1, 2, 4, 3, 5]),
        ("-params.lr", [4, 2, 1, 3, 5]),
        ("-duration", [1, 2, 3, 4, 5]),
    ],
)
def test_order_and_pages(sets: Experiment, sort: str, expected: list[int]) -> None:
    assert order(sets, sort=sort) == expected
    walked, cursor = [], ""
    while True:
        table = set_table(experiment_space(sets), sort=sort, cursor=cursor, limit=2)
        walked += [found.number for found in table.rows]
        cursor = table.page.following
        if not cursor:
            break
    assert walked == expected


@pytest.mark.parametrize("sort", ["number", "metrics.accuracy", "params.lr", "duration"])
def test_pages_of_runs_are_none_of_sets(sets: Experiment, sort: str) -> None:
    space = experiment_space(sets)
    of_runs = run_table(space, sort=sort, limit=1).page.following
    of_sets = set_table(space, sort=sort, limit=1).page.following
    for read, cursor in ((set_table, of_runs), (run_table, of_sets)):
        with pytest.raises(InvalidInput, match="begin at the first page") as caught:
            read(space, sort=sort, cursor=cursor)
        assert caught.value.field == "after"


def test_a_query_leaves_runs_of_a_set_out(sets: Experiment) -> None:
    table = set_table(experiment_space(sets), where="metrics.accuracy > 0.3")
    assert [(found.number, [run.number for run in found.runs]) for found in table.rows] == [
        (1, [6]), (3, [3]), (5, [5])
    ]  # fmt: skip
    assert table.count == 3


@pytest.mark.parametrize(
    "sort", ["state", "params.nope", "metrics.", "number.x", "-", "metrics.accuracy.min"]
)
def test_unknown_sort(sets: Experiment, sort: str) -> None:
    with pytest.raises(InvalidInput, match="Cannot sort") as caught:
        order(sets, sort=sort)
    assert caught.value.field == "sort"
