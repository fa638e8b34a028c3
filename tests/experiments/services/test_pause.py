from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from experiments.models import Experiment
from experiments.services.control import (
    experiment_cancel,
    experiment_pause,
    experiment_resume,
    run_cancel,
    runs_cancel,
    runs_retry,
)
from experiments.services.ingest import batch_ingest
from experiments.services.launch import runs_add
from experiments.services.leasing import lease_next
from experiments.services.lifecycle import run_stopped, seconds_active
from experiments.services.reconcile import reconcile
from experiments.telemetry import parse_batch
from mlplatform.kernel.errors import Conflict, Forbidden, NotFound
from runners.models import Allocation
from runners.services.leases import lease_release
from tests.experiments.conftest import Wait

pytestmark = pytest.mark.usefixtures("runner")


def test_a_paused_experiment_starts_nothing_and_lets_go_of_what_runs(owner: User, leased: Any) -> None:
    allocation, run, lease = leased
    experiment = experiment_pause(user=owner, experiment=run.experiment)
    assert experiment.state == "paused"
    run.refresh_from_db()
    assert run.stop_reason == "paused"
    assert lease_release(lease["fence"], "stopped")
    assert run_stopped(run)
    assert (run.state, run.stop_reason, run.failures, run.losses) == ("queued", "", 0, 0)
    assert run.attempts.get().outcome == "paused"
    order = lease_next(allocation=allocation, group_id=allocation.group_id, environment={})
    assert order.order == "wait"


def test_its_workers_are_released_and_what_waits_says_why(owner: User, experiment: Experiment) -> None:
    reconcile()
    experiment_pause(user=owner, experiment=experiment)
    reconcile()
    assert Allocation.objects.get().state == "draining"
    assert set(experiment.runs.values_list("waiting_reason", flat=True)) == {
        "The experiment is paused; resume it to go on."
    }
    experiment_resume(user=owner, experiment=experiment)
    reconcile()
    assert Allocation.objects.filter(state="submitted").count() == 1


def test_resuming_takes_the_pause_back_from_what_has_not_stopped_yet(owner: User, leased: Any) -> None:
    allocation, run, lease = leased

    def report(seq: int) -> str:
        batch = parse_batch({"attempt": 1, "fence": lease["fence"], "rank": 0, "seq": seq})
        return batch_ingest(allocation=allocation, run_id=run.id, batch=batch).order

    assert report(1) == "continue"
    experiment_pause(user=owner, experiment=run.experiment)
    assert report(2) == "pause"
    experiment_resume(user=owner, experiment=run.experiment)
    assert report(3) == "continue"
    run.refresh_from_db()
    assert (run.state, run.stop_reason, run.stop_requested_at) == ("running", "", None)
    assert list(run.events.values_list("kind", flat=True)) == [
        *["queued", "starting", "running"],
        *["stop_requested", "stop_taken_back"],
    ]


def test_resuming_takes_nothing_else_back(owner: User, leased: Any) -> None:
    _, run, _ = leased
    experiment_pause(user=owner, experiment=run.experiment)
    run_cancel(user=owner, run=run)
    experiment_resume(user=owner, experiment=run.experiment)
    run.refresh_from_db()
    assert run.stop_reason == "canceled"


def test_only_an_active_one_is_paused_and_only_a_paused_one_resumed(
    owner: User, experiment: Experiment
) -> None:
    with pytest.raises(Conflict, match="active; only a paused"):
        experiment_resume(user=owner, experiment=experiment)
    experiment_pause(user=owner, experiment=experiment)
    with pytest.raises(Conflict, match="paused; only an active"):
        experiment_pause(user=owner, experiment=experiment)


def test_pausing_stops_the_clock_of_the_budget(owner: User, experiment: Experiment, wait: Wait) -> None:
    wait(timedelta(seconds=100))
    experiment = experiment_pause(user=owner, experiment=experiment)
    wait(timedelta(seconds=1000))
    assert seconds_active(experiment) == pytest.approx(100, abs=5)
    experiment = experiment_resume(user=owner, experiment=experiment)
    wait(timedelta(seconds=10))
    assert seconds_active(experiment) == pytest.approx(110, abs=5)


def test_adding_runs_leaves_it_paused_and_it_can_be_canceled(owner: User, experiment: Experiment) -> None:
    experiment_pause(user=owner, experiment=experiment)
    runs_add(user=owner, experiment=experiment, param_sets=[{"lr": 0.3}])
    experiment.refresh_from_db()
    assert experiment.state == "paused"
    assert experiment_cancel(user=owner, experiment=experiment).state == "canceled"
    assert set(experiment.runs.values_list("state", flat=True)) == {"canceled"}


def test_a_cancel_weighs_more_than_a_pause(owner: User, leased: Any) -> None:
    _, run, _ = leased
    experiment_pause(user=owner, experiment=run.experiment)
    run = run_cancel(user=owner, run=run)
    assert run.stop_reason == "canceled"
    assert run_stopped(run)
    assert run.state == "canceled"


def test_several_runs_at_once(owner: User, experiment: Experiment) -> None:
    outcome = runs_cancel(user=owner, experiment=experiment, numbers=[1, 2, 7])
    assert (outcome.changed, outcome.skipped) == ([1, 2], [7])
    experiment.runs.filter(number=2).update(state="failed", cause_code="user_error")
    experiment.runs.filter(number=1).update(state="completed")
    Experiment.objects.update(state="completed")
    outcome = runs_retry(user=owner, experiment=experiment, numbers=[1, 2])
    assert (outcome.changed, outcome.skipped) == ([2], [1])
    experiment.refresh_from_db()
    assert experiment.state == "active"


def test_all_that_failed_are_retried_but_not_what_was_canceled(owner: User, experiment: Experiment) -> None:
    experiment.runs.filter(number=1).update(state="failed")
    experiment.runs.filter(number=2).update(state="canceled")
    assert runs_retry(user=owner, experiment=experiment).changed == [1]
    assert runs_retry(user=owner, experiment=experiment).changed == []


def test_who_may(viewer: User, stranger: User, experiment: Experiment) -> None:
    for act in (
        lambda user: experiment_pause(user=user, experiment=experiment),
        lambda user: experiment_resume(user=user, experiment=experiment),
        lambda user: runs_cancel(user=user, experiment=experiment, numbers=[1]),
        lambda user: runs_retry(user=user, experiment=experiment),
    ):
        with pytest.raises(Forbidden):
            act(viewer)
        with pytest.raises(NotFound):
            act(stranger)
    assert set(experiment.runs.values_list("state", flat=True)) == {"queued"}
