from typing import Any

import pytest

from accounts.models import AuditEvent, User
from experiments.models import Experiment, Run
from experiments.services.control import experiment_cancel, run_retry
from experiments.services.launch import runs_add
from experiments.services.leasing import Order, lease_next
from experiments.services.lifecycle import run_finish
from experiments.services.revision import experiment_revise
from mlplatform.kernel.errors import Forbidden, InvalidInput, NotFound
from runners.models import Allocation
from runners.services.leases import lease_release
from tests.experiments.conftest import tick
from tests.fakes.runner import FakeRunner
from tests.points import summary

SPACE = {"lr": {"type": "float", "min": 0.001, "max": 0.1, "log": True}}
RANDOM = {"method": "random", "runs": 4, "seed": 7, "space": SPACE}


def finished(experiment: Experiment, accuracy: float) -> None:
    """Its runs are over, and the first was that good."""
    experiment.runs.update(state="completed")
    best = {"last": accuracy, "max": accuracy, "last_step": 1, "count": 1}
    summary(experiment.runs.get(number=1), **best)


def ask(allocation: Allocation) -> Order:
    """A worker group of the allocation asks what to do."""
    return lease_next(allocation=allocation, group_id=f"group of {allocation.pk}", environment={})


def test_more_runs_at_a_time_while_it_runs(owner: User, experiment: Experiment) -> None:
    experiment_revise(user=owner, experiment=experiment, changes={"max_parallel": 3, "name": " Sweep 2 "})
    experiment.refresh_from_db()
    assert (experiment.max_parallel, experiment.name, experiment.slug) == (3, "Sweep 2", "sweep")
    event = experiment.events.get(kind="changed")
    assert event.message == "max parallel 1 → 3, name sweep → Sweep 2"
    assert event.actor == owner
    row = AuditEvent.objects.get(verb="experiment.change")
    assert row.detail["before"] == {"max_parallel": 1, "name": "sweep"}


def test_fewer_runs_at_a_time_take_effect_while_others_wait(
    owner: User, experiment: Experiment, runner: FakeRunner
) -> None:
    runs_add(user=owner, experiment=experiment, param_sets=[{"lr": 0.3}] * 4)
    experiment_revise(user=owner, experiment=experiment, changes={"max_parallel": 2})
    tick()
    groups = list(Allocation.objects.order_by("created_at"))
    assert [ask(allocation).order for allocation in groups] == ["run", "run"]
    experiment_revise(user=owner, experiment=experiment, changes={"max_parallel": 1})
    tick()
    assert sorted(Allocation.objects.values_list("state", flat=True)) == ["draining", "running"]
    for run in Run.objects.filter(state="starting"):
        assert lease_release(run.attempts.get().fence, "completed")
        assert run_finish(run, "completed")
    assert [ask(allocation).order for allocation in groups] == ["run", "drain"]
    tick()
    assert Run.objects.filter(state="starting").count() == 1
    assert Allocation.objects.count() == 2


def test_what_was_only_asked_for_is_taken_back(
    owner: User, experiment: Experiment, runner: FakeRunner
) -> None:
    runs_add(user=owner, experiment=experiment, param_sets=[{"lr": 0.3}] * 4)
    experiment_revise(user=owner, experiment=experiment, changes={"max_parallel": 6})
    tick()
    assert sorted(Allocation.objects.values_list("state", flat=True)) == ["submitted"] * 2 + ["waiting"] * 4
    experiment_revise(user=owner, experiment=experiment, changes={"max_parallel": 1})
    tick()
    assert sorted(Allocation.objects.values_list("state", flat=True)) == [
        *["draining"],
        *["ended"] * 4,
        *["submitted"],
    ]


def test_a_larger_budget_reopens_a_finished_one(owner: User, experiment: Experiment) -> None:
    Experiment.objects.update(state="completed", search=RANDOM, max_seconds=60)
    experiment_revise(user=owner, experiment=experiment, changes={"runs": 9, "max_hours": None})
    experiment.refresh_from_db()
    assert (experiment.state, experiment.search["runs"], experiment.max_seconds) == ("active", 9, None)


def test_what_the_old_budget_ended_goes_on_under_a_larger_one(owner: User, experiment: Experiment) -> None:
    Experiment.objects.update(state="completed", max_seconds=60)
    Run.objects.filter(number=1).update(state="canceled", cause_code="budget_time")
    Run.objects.filter(number=2).update(state="canceled")
    experiment_revise(user=owner, experiment=experiment, changes={"max_hours": 2})
    assert list(experiment.runs.values_list("state", flat=True)) == ["queued", "canceled"]


@pytest.mark.parametrize(
    "changes",
    [
        {"runs": 3, "name": "other"},
        {"runs": 4, "name": "other"},
        {"max_hours": 0.5},
        {"target": 0.8},
        # It grows, but the target is still reached.
        {"runs": 30, "target": 0.85},
    ],
)
def test_nothing_else_reopens_it(owner: User, experiment: Experiment, changes: dict[str, Any]) -> None:
    finished(experiment, accuracy=0.85)
    Experiment.objects.update(state="completed", search=RANDOM, max_seconds=3600, target=0.9)
    experiment_revise(user=owner, experiment=experiment, changes=changes)
    experiment.refresh_from_db()
    assert experiment.state == "completed"


@pytest.mark.parametrize(
    ("direction", "target", "state"),
    [
        ("maximize", 0.95, "active"),
        ("maximize", 0.7, "completed"),
        ("maximize", None, "active"),
        ("minimize", 0.7, "active"),
    ],
)
def test_a_target_that_is_harder_to_reach_is_a_larger_budget(
    owner: User, experiment: Experiment, direction: str, target: float | None, state: str
) -> None:
    Experiment.objects.update(
        state="completed", search=RANDOM, target=0.9, objective_direction=direction, max_seconds=3600
    )
    experiment_revise(user=owner, experiment=experiment, changes={"target": target})
    experiment.refresh_from_db()
    assert experiment.state == state


@pytest.fixture
def canceled(owner: User, experiment: Experiment, runner: FakeRunner) -> Experiment:
    """A person canceled it after two of the four sets that its search may make."""
    experiment.runs.update(searched=True)
    Experiment.objects.update(search=RANDOM, max_seconds=3600)
    return experiment_cancel(user=owner, experiment=experiment)


@pytest.mark.parametrize("changes", [{"name": "other", "runs": 4}, {"max_hours": None}, {"runs": 30}])
def test_a_canceled_one_stays_canceled(owner: User, canceled: Experiment, changes: dict[str, Any]) -> None:
    experiment_revise(user=owner, experiment=canceled, changes=changes)
    tick()
    canceled.refresh_from_db()
    assert (canceled.state, canceled.runs.count()) == ("canceled", 2)


def test_a_canceled_search_runs_what_a_person_asks_for_and_no_more(owner: User, canceled: Experiment) -> None:
    run_retry(user=owner, run=canceled.runs.select_related("experiment__project").get(number=1))
    runs_add(user=owner, experiment=canceled, param_sets=[{"lr": 0.3}])
    tick()
    canceled.refresh_from_db()
    assert canceled.state == "active"
    assert list(canceled.runs.values_list("state", flat=True)) == ["queued", "canceled", "queued"]
    canceled.runs.update(state="completed")
    tick()
    canceled.refresh_from_db()
    assert (canceled.state, canceled.runs.count()) == ("completed", 3)


def test_a_larger_budget_continues_a_search_that_was_canceled_once(owner: User, canceled: Experiment) -> None:
    run_retry(user=owner, run=canceled.runs.select_related("experiment__project").get(number=1))
    experiment_revise(user=owner, experiment=canceled, changes={"runs": 5})
    tick()
    assert canceled.runs.filter(state="queued", searched=True).count() == 1 + 3


def test_no_change_leaves_no_trace(owner: User, experiment: Experiment) -> None:
    Experiment.objects.update(state="completed")
    experiment_revise(user=owner, experiment=experiment, changes={"max_hours": None})
    experiment.refresh_from_db()
    assert experiment.state == "completed"
    assert not experiment.events.filter(kind="changed").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_parallel": 0}, "max parallel is 0; it must be between 1 and 64"),
        ({"max_parallel": None}, "max parallel needs a value"),
        ({"name": " "}, "name has 0 characters"),
        ({"max_hours": -1}, "max hours is -1"),
        ({"runs": 5}, "no search"),
        ({"workers": 2}, "workers cannot be changed after launch"),
    ],
)
def test_what_cannot_be_changed(
    owner: User, experiment: Experiment, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        experiment_revise(user=owner, experiment=experiment, changes={"description": "new", **changes})
    assert caught.value.field == next(iter(changes))
    experiment.refresh_from_db()
    assert experiment.description == ""


@pytest.mark.parametrize(
    ("search", "runs", "words"),
    [
        ({"method": "list", "repeat": 3}, 5, "no search"),
        ({"method": "list", "pruner": {"method": "median"}}, 5, "no search"),
        (RANDOM, None, "runs is missing"),
        (RANDOM, 10_001, "runs is 10001; write a whole number from 1 to 10000"),
    ],
)
def test_a_search_stays_one_that_can_be_read(
    owner: User, experiment: Experiment, search: dict[str, Any], runs: int | None, words: str
) -> None:
    Experiment.objects.update(search=search)
    with pytest.raises(InvalidInput, match=words) as caught:
        experiment_revise(user=owner, experiment=experiment, changes={"runs": runs})
    assert caught.value.field == "runs"
    experiment.refresh_from_db()
    assert experiment.search == search


def test_a_target_needs_an_objective(owner: User, experiment: Experiment) -> None:
    Experiment.objects.update(objective_metric="")
    with pytest.raises(InvalidInput, match="needs a metric"):
        experiment_revise(user=owner, experiment=experiment, changes={"target": 0.9})


def test_who_may(viewer: User, stranger: User, experiment: Experiment) -> None:
    with pytest.raises(Forbidden):
        experiment_revise(user=viewer, experiment=experiment, changes={"max_parallel": 2})
    with pytest.raises(NotFound):
        experiment_revise(user=stranger, experiment=experiment, changes={"max_parallel": 2})
