import math
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from experiments.models import Checkpoint, Experiment, Run, RunMetric
from experiments.services.budget import target_winners
from experiments.services.control import run_retry, runs_retry
from experiments.services.forking import run_continue, run_fork
from experiments.services.launch import runs_add
from experiments.services.lifecycle import run_stopped
from experiments.services.reconcile import reconcile_experiment
from mlplatform.kernel import clock
from runners.models import Allocation
from tests.experiments.conftest import tick
from tests.experiments.services.test_revision import RANDOM
from tests.points import summary

pytestmark = pytest.mark.usefixtures("runner")


@pytest.fixture
def target(leased: Any) -> Run:
    """Run 1 runs, run 2 waits; the experiment wants an accuracy of 0.9."""
    _, run, _ = leased
    Experiment.objects.update(objective_metric="accuracy", target=0.9)
    Run.objects.filter(pk=run.pk).update(state="running")
    return Run.objects.get(pk=run.pk)


def reached(run: Run, accuracy: float) -> None:
    summary(run, last=0.1, last_step=9, min=0.1, max=accuracy, count=9)


def states() -> list[tuple[str, str, str]]:
    return list(Run.objects.order_by("number").values_list("state", "stop_reason", "cause_code"))


def test_a_run_that_reaches_the_target_finishes_and_the_rest_is_canceled(target: Run) -> None:
    reached(target, 0.95)
    tick()
    assert states() == [("running", "", ""), ("canceled", "", "target_reached")]
    Run.objects.filter(pk=target.pk).update(state="completed")
    tick()
    assert Experiment.objects.get().state == "completed"


def test_less_than_the_target_changes_nothing(target: Run) -> None:
    reached(target, 0.89)
    tick()
    assert states() == [("running", "", ""), ("queued", "", "")]


def test_a_low_objective_counts_from_the_other_side(target: Run) -> None:
    Experiment.objects.update(objective_direction="minimize", target=0.1)
    reached(target, 0.95)
    tick()
    assert states()[1] == ("canceled", "", "target_reached")


def test_others_that_train_stop_at_their_next_report(target: Run) -> None:
    second = Run.objects.get(number=2)
    reached(second, 0.99)
    Run.objects.filter(number=2).update(state="completed")
    tick()
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


@pytest.mark.parametrize(
    ("state", "reason", "wins"),
    [
        ("running", "", True),
        ("running", "paused", True),
        ("queued", "", True),
        ("completed", "", True),
        ("running", "not_finite", False),
        ("running", "canceled", False),
        ("failed", "", False),
        ("pruned", "", False),
        ("canceled", "", False),
    ],
)
def test_only_what_has_not_ended_badly_wins(target: Run, state: str, reason: str, wins: bool) -> None:
    reached(target, 0.95)
    Run.objects.filter(pk=target.pk).update(state=state, stop_reason=reason)
    assert target_winners(Experiment.objects.get()) == ({target.pk} if wins else set())


@pytest.mark.parametrize(
    ("direction", "goal", "value", "wins"),
    [
        ("maximize", 0.9, 0.9, True),
        ("maximize", 0.9, math.inf, False),
        ("maximize", 0.9, math.nan, False),
        ("minimize", 0.1, 0.1, True),
        ("minimize", 0.1, -math.inf, False),
        ("minimize", 0.1, 0.2, False),
    ],
)
def test_only_a_finite_objective_wins(
    target: Run, direction: str, goal: float, value: float, wins: bool
) -> None:
    Experiment.objects.update(objective_direction=direction, target=goal)
    reached(target, 0.5)
    RunMetric.objects.update(min=value, max=value)
    assert bool(target_winners(Experiment.objects.get())) is wins


@pytest.fixture
def over(target: Run) -> Experiment:
    """The target is reached, so run 2 was canceled, and the search has made but one of its sets."""
    reached(target, 0.95)
    Checkpoint.objects.create(run=target, attempt=1, step=2, path="/1", metrics={})
    Run.objects.filter(pk=target.pk).update(state="completed", searched=True)
    tick()
    tick()
    Experiment.objects.update(search=RANDOM, progress="epochs")
    return Experiment.objects.select_related("project").get()


def test_what_a_person_queues_after_that_runs_all_the_same(owner: User, over: Experiment) -> None:
    assert over.state == "completed"
    first, second = over.runs.select_related("experiment__project").order_by("number")
    run_retry(user=owner, run=second)
    runs_add(user=owner, experiment=over, param_sets=[{"lr": 0.3}])
    run_fork(user=owner, run=first, params={"lr": 0.4})
    run_continue(user=owner, run=first, more=2)
    tick()
    over.refresh_from_db()
    assert over.state == "active"
    assert list(over.runs.values_list("number", "state", "exempt")) == [
        (1, "completed", False),
        *((number, "queued", True) for number in (2, 3, 4, 5)),
    ]
    assert Allocation.objects.filter(state="submitted").exists()


def test_the_time_that_is_used_up_does_not_end_it_either(owner: User, target: Run) -> None:
    Experiment.objects.update(max_seconds=60, active_seconds=61)
    Run.objects.update(state="failed")
    runs_retry(user=owner, experiment=target.experiment)
    tick()
    assert set(Run.objects.values_list("state", "exempt")) == {("queued", True)}


def test_what_is_queued_before_ends_with_the_rest(owner: User, target: Run) -> None:
    runs_add(user=owner, experiment=target.experiment, param_sets=[{"lr": 0.3}])
    Run.objects.filter(number=2).update(state="failed")
    run_retry(user=owner, run=Run.objects.select_related("experiment__project").get(number=2))
    reached(target, 0.95)
    tick()
    assert [state for state, *_ in states()] == ["running", "canceled", "canceled"]
