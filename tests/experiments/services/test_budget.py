from datetime import timedelta
from typing import Any

import pytest

from experiments.models import Experiment, Run, RunMetric
from experiments.services.lifecycle import run_stopped
from experiments.services.reconcile import reconcile, reconcile_experiment
from mlplatform.kernel import clock

pytestmark = pytest.mark.usefixtures("runner")


@pytest.fixture
def target(leased: Any) -> Run:
    """Run 1 runs, run 2 waits; the experiment wants an accuracy of 0.9."""
    _, run, _ = leased
    Experiment.objects.update(objective_metric="accuracy", target=0.9)
    Run.objects.filter(pk=run.pk).update(state="running")
    return Run.objects.get(pk=run.pk)


def reached(run: Run, accuracy: float) -> None:
    RunMetric.objects.create(
        run=run,
        experiment=run.experiment,
        name="accuracy",
        last=0.1,
        last_step=9,
        min=0.1,
        max=accuracy,
        count=9,
    )


def states() -> list[tuple[str, str, str]]:
    return list(Run.objects.order_by("number").values_list("state", "stop_reason", "cause_code"))


def test_a_run_that_reaches_the_target_finishes_and_the_rest_is_canceled(target: Run) -> None:
    reached(target, 0.95)
    reconcile()
    assert states() == [("running", "", ""), ("canceled", "", "target_reached")]
    Run.objects.filter(pk=target.pk).update(state="completed")
    reconcile()
    assert Experiment.objects.get().state == "completed"


def test_less_than_the_target_changes_nothing(target: Run) -> None:
    reached(target, 0.89)
    reconcile()
    assert states() == [("running", "", ""), ("queued", "", "")]


def test_a_low_objective_counts_from_the_other_side(target: Run) -> None:
    Experiment.objects.update(objective_direction="minimize", target=0.1)
    reached(target, 0.95)
    reconcile()
    assert states()[1] == ("canceled", "", "target_reached")


def test_others_that_train_stop_at_their_next_report(target: Run) -> None:
    second = Run.objects.get(number=2)
    reached(second, 0.99)
    Run.objects.filter(number=2).update(state="completed")
    reconcile()
    target.refresh_from_db()
    assert target.stop_reason == "target"
    assert run_stopped(target)
    assert (target.state, target.cause_code) == ("canceled", "target_reached")


def test_time_that_is_used_up_ends_what_is_open(target: Run) -> None:
    Experiment.objects.update(
        max_seconds=3600, active_seconds=3000, active_since=clock.now() - timedelta(seconds=500)
    )
    reconcile_experiment(target.experiment_id)
    assert states() == [("running", "", ""), ("queued", "", "")]
    Experiment.objects.update(active_since=clock.now() - timedelta(seconds=700))
    reconcile_experiment(target.experiment_id)
    assert states() == [("running", "budget", ""), ("canceled", "", "budget_time")]
    assert "1 hours" in Run.objects.get(number=2).cause_message
