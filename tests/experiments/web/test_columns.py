"""Columns of sweeps with many parameters and metrics."""

from unittest import mock

from experiments.models import Experiment
from experiments.selectors.conditions import Scope
from experiments.selectors.names import Named
from experiments.selectors.tables import RunSpace
from experiments.web.columns import MAX_OFFERED, ColumnMaker
from experiments.web.looks import Look


def test_declarations_are_read_once_whatever_their_number() -> None:
    declared = {f"p{number}": {"type": "float", "default": 0.1} for number in range(100)}
    experiment = Experiment(objective_metric="m0", parameters=declared)
    space = RunSpace(
        scope=Scope((experiment.pk,)),
        metrics=[Named(f"m{number}", differs=True) for number in range(MAX_OFFERED)],
        params=[Named(name, differs=name == "p7") for name in declared],
    )
    found = experiment.declared
    with mock.patch.object(
        Experiment, "declared", new_callable=mock.PropertyMock, return_value=found
    ) as read:
        maker = ColumnMaker(experiment, space, Look())
        assert maker.metrics == [*(f"m{number}" for number in range(8)), "m0"]
        columns = maker.columns([dict.fromkeys(declared, 0.5)])
    assert read.call_count == 1
    assert [column.name for column in columns.shown if column.kind == "params"] == ["p7"]
    assert len(columns.shared) == 99
    assert len(columns.offers) == MAX_OFFERED
