from typing import Any

import pytest

from experiments.models import Experiment, Run
from experiments.services.control import experiment_pause, run_cancel
from experiments.services.lifecycle import run_ask_to_stop, run_stopped
from experiments.services.preemption import runs_preempt
from experiments.states import StopReason
from mlplatform.kernel import clock
from runners.models import Allocation


@pytest.fixture
def preempted(leased: Any) -> Run:
    """Its workers are to make room."""
    allocation, _, _ = leased
    Allocation.objects.filter(pk=allocation.pk).update(state="draining", preempted_at=clock.now())
    return Run.objects.get(state__in=["starting", "running"])


def test_it_stops_at_a_checkpoint_and_waits_again_without_using_retries(preempted: Run) -> None:
    runs_preempt()
    runs_preempt()
    run = Run.objects.select_related("experiment").get(pk=preempted.pk)
    assert run.stop_reason == StopReason.PREEMPTED
    assert list(run.events.values_list("kind", flat=True)).count("stop_requested") == 1
    assert run_stopped(run)
    run.refresh_from_db()
    assert (run.state, run.failures, run.losses, run.stop_reason) == ("queued", 0, 0, "")
    last = run.events.order_by("-id")[0]
    assert last.kind == "preempted"
    assert last.message == "Made room for one of higher priority; it goes on from its last checkpoint."
    assert run.attempts.get().outcome == "preempted"


def test_what_ends_it_is_stronger_and_another_pause_is_not(preempted: Run, owner: Any) -> None:
    runs_preempt()
    run = Run.objects.select_related("experiment__project").get(pk=preempted.pk)
    assert not run_ask_to_stop(run, StopReason.PAUSED, "")
    experiment_pause(user=owner, experiment=run.experiment)
    assert Run.objects.get(pk=run.pk).stop_reason == StopReason.PREEMPTED
    run_cancel(user=owner, run=run)
    assert Run.objects.get(pk=run.pk).stop_reason == StopReason.CANCELED


def test_others_train_on(leased: Any, experiment: Experiment) -> None:
    runs_preempt()
    assert not experiment.runs.exclude(stop_reason="").exists()
