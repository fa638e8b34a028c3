from typing import Any

import pytest

from accounts.models import User
from experiments.models import Experiment, Run
from experiments.services.control import experiment_cancel, run_cancel, run_retry
from experiments.services.lifecycle import run_ask_to_stop
from mlplatform.kernel.errors import Conflict, Forbidden, NotFound


def test_a_waiting_run_is_canceled_at_once(owner: User, experiment: Experiment) -> None:
    run = run_cancel(user=owner, run=experiment.runs.get(number=1))
    assert run.state == "canceled"
    assert run.ended_at is not None


def test_a_running_one_is_asked_to_stop(owner: User, leased: Any) -> None:
    _, run, _ = leased
    run = run_cancel(user=owner, run=run)
    assert (run.state, run.stop_reason) == ("starting", "canceled")
    asked = run.stop_requested_at
    assert run_cancel(user=owner, run=run).stop_requested_at == asked


def test_a_cancel_outranks_a_pause(owner: User, leased: Any) -> None:
    _, run, _ = leased
    assert run_ask_to_stop(run, "paused", "Paused.")
    assert run_cancel(user=owner, run=run).stop_reason == "canceled"
    assert not run_ask_to_stop(run, "paused", "Paused.")


def test_a_finished_one_cannot_be_canceled(owner: User, experiment: Experiment) -> None:
    run = run_cancel(user=owner, run=experiment.runs.get(number=1))
    with pytest.raises(Conflict, match="canceled already"):
        run_cancel(user=owner, run=run)


def test_retry_queues_it_again_and_clears_the_cause(owner: User, experiment: Experiment) -> None:
    Run.objects.filter(experiment=experiment, number=1).update(
        state="failed", cause_code="user_error", failures=3
    )
    Experiment.objects.update(state="completed")
    run = run_retry(user=owner, run=experiment.runs.get(number=1))
    assert (run.state, run.cause_code, run.failures) == ("queued", "", 0)
    experiment.refresh_from_db()
    assert experiment.state == "active"
    with pytest.raises(Conflict, match="queued"):
        run_retry(user=owner, run=run)


def test_canceling_an_experiment_cancels_what_is_open(owner: User, leased: Any) -> None:
    _, run, _ = leased
    experiment = experiment_cancel(user=owner, experiment=run.experiment)
    assert experiment.state == "canceled"
    states = list(experiment.runs.values_list("state", "stop_reason"))
    assert states == [("starting", "canceled"), ("canceled", "")]
    with pytest.raises(Conflict):
        experiment_cancel(user=owner, experiment=experiment)


def test_who_may(viewer: User, stranger: User, experiment: Experiment) -> None:
    run = experiment.runs.get(number=1)
    for act in (
        lambda user: run_cancel(user=user, run=run),
        lambda user: experiment_cancel(user=user, experiment=experiment),
    ):
        with pytest.raises(Forbidden):
            act(viewer)
        with pytest.raises(NotFound):
            act(stranger)
