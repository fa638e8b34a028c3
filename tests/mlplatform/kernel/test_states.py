import pytest

from experiments.models import Experiment, Run
from mlplatform.kernel.states import move_all

TABLE = {"queued": frozenset({"canceled"})}


def test_all_that_are_in_the_old_state_move(experiment: Experiment) -> None:
    first, second = experiment.runs.order_by("number")
    Run.objects.filter(pk=first.pk).update(state="running")
    assert move_all(TABLE, experiment.runs.all(), "queued", "canceled", waiting_reason="gone") == [second.pk]
    assert list(experiment.runs.values_list("state", "waiting_reason")) == [
        ("running", ""),
        ("canceled", "gone"),
    ]
    assert move_all(TABLE, experiment.runs.all(), "queued", "canceled") == []


def test_a_move_that_the_table_forbids_is_an_error(experiment: Experiment) -> None:
    with pytest.raises(ValueError, match="Run cannot go from queued to completed"):
        move_all(TABLE, experiment.runs.all(), "queued", "completed")
