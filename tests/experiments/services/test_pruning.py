from typing import Any

import pytest

from accounts.models import User
from experiments.models import Checkpoint, Experiment, Run
from experiments.selectors.search import objective_at
from experiments.services import pruning
from experiments.services.forking import run_fork
from experiments.services.ingest import batch_ingest
from experiments.services.leasing import lease_next
from experiments.services.lifecycle import run_interrupt
from experiments.services.pruning import judge_later, run_judge
from experiments.telemetry import parse_batch
from runners.services.leases import lease_release
from tests import points

MEDIAN = {"method": "list", "pruner": {"method": "median", "startup_runs": 2}}


@pytest.fixture
def running(leased: Any) -> Run:
    """Run 1 trains; two runs have ended with a good accuracy at their second step."""
    _, run, _ = leased
    Experiment.objects.update(objective_metric="accuracy", search=MEDIAN)
    Run.objects.filter(pk=run.pk).update(state="running")
    for number in (2, 3):
        other, _ = Run.objects.update_or_create(
            experiment=run.experiment,
            number=number,
            defaults={"state": "completed", "set_number": number, "seed": number},
        )
        report(other, [1, 2], [0.5, 0.8])
    return Run.objects.select_related("experiment").get(pk=run.pk)


def report(run: Run, steps: list[int], values: list[float]) -> None:
    points.report(run, steps, values, seq=run.metric_batches.count() + 1)


def test_a_run_that_does_worse_than_most_is_told_to_stop(running: Run) -> None:
    report(running, [1, 2], [0.1, 0.2])
    assert run_judge(running.id, 2)
    running.refresh_from_db()
    assert running.stop_reason == "pruned"
    assert "at step 2" in running.events.get(kind="stop_requested").message
    assert not run_judge(running.id, 2)


def test_one_that_does_better_goes_on(running: Run) -> None:
    report(running, [1, 2], [0.1, 0.9])
    assert not run_judge(running.id, 2)
    running.refresh_from_db()
    assert running.stop_reason == ""


def test_one_that_is_not_there_yet_or_is_over_is_not_judged(running: Run) -> None:
    report(running, [1], [0.1])
    assert not run_judge(running.id, 2)
    Run.objects.filter(pk=running.pk).update(state="completed")
    assert not run_judge(running.id, 1)


def test_an_objective_that_is_reported_now_and_then_counts_from_its_next_report(running: Run) -> None:
    report(running, [4], [0.3])
    assert objective_at(running.experiment, 2) == {1: 0.3, 2: 0.8, 3: 0.8}
    assert objective_at(running.experiment, 3) == {1: 0.3}


def test_a_batch_with_the_objective_has_its_run_judged_once(
    running: Run, leased: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(pruning, "enqueue", lambda *message: sent.append(message))
    allocation, _, lease = leased
    content = {"attempt": 1, "fence": lease["fence"], "rank": 0, "seq": 1}
    sent_points = [{"name": "accuracy", "steps": [1, 2], "values": [0.1, 0.2], "times": [0.0, 1.0]}]
    batch_ingest(
        allocation=allocation, run_id=running.id, batch=parse_batch({**content, "points": sent_points})
    )
    assert sent == [("prune", str(running.id), 2)]


def test_a_judgement_whose_message_was_lost_is_due_until_it_is_done(
    running: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asha = {"method": "asha", "min_steps": 2, "reduction": 4}
    Experiment.objects.update(search=MEDIAN | {"pruner": asha})
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(pruning, "enqueue", lambda *message: sent.append(message))

    def send(step: int, value: float) -> None:
        report(running, [step], [value])
        run = Run.objects.select_related("experiment").get(pk=running.pk)
        judge_later(run, {"accuracy": points.columns([step], [value])})

    send(1, 0.6)
    assert sent == []
    send(2, 0.9)
    send(3, 0.9)
    assert sent == [("prune", str(running.id), 2)] * 2, "the first one was lost"
    assert not run_judge(running.id, 2)
    send(4, 0.9)
    assert len(sent) == 2
    running.refresh_from_db()
    assert running.judged_step == 2


def test_a_new_attempt_is_judged_again_at_the_steps_that_it_repeats(running: Run, leased: Any) -> None:
    allocation, _, _ = leased
    report(running, [1, 2], [0.1, 0.9])
    assert not run_judge(running.id, 2)
    run = Run.objects.select_related("experiment").get(pk=running.pk)
    assert run_interrupt(run)
    lease_release(leased[2]["fence"], "stopped")
    lease_next(allocation=allocation, group_id=allocation.group_id, environment={})
    running.refresh_from_db()
    assert (running.attempts_made, running.judged_step) == (2, 0)


@pytest.fixture
def fork(running: Run, owner: User) -> Run:
    """It begins where run 2 was after its second step."""
    parent = Run.objects.select_related("experiment__project").get(number=2)
    Checkpoint.objects.create(run=parent, attempt=1, step=2, path="/c", metrics={})
    made = run_fork(user=owner, run=parent)
    report(made, [3, 4], [0.9, 0.95])
    return Run.objects.select_related("experiment").get(pk=made.pk)


def test_a_fork_counts_only_where_it_has_been(running: Run, fork: Run) -> None:
    report(running, [1, 2, 3], [0.1, 0.2, 0.3])
    assert objective_at(running.experiment, 2) == {1: 0.2, 2: 0.8, 3: 0.8}
    assert objective_at(running.experiment, 3) == {1: 0.3, fork.number: 0.9}


def test_the_first_check_of_a_fork_lies_after_its_checkpoint(
    fork: Run, leased: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(pruning, "enqueue", lambda *message: sent.append(message))
    asha = {"method": "asha", "min_steps": 1, "reduction": 2}
    Experiment.objects.update(search=MEDIAN | {"pruner": asha}, progress="")
    Run.objects.exclude(pk=fork.pk).update(state="completed")
    order = lease_next(allocation=leased[0], group_id="another", environment={})
    assert order.run
    assert order.run["number"] == fork.number

    def send(step: int) -> None:
        run = Run.objects.select_related("experiment").get(pk=fork.pk)
        judge_later(run, {"accuracy": points.columns([step], [0.1])})

    send(3)
    assert sent == [], "rungs 1 and 2 are its parent's"
    send(4)
    assert sent == [("prune", str(fork.id), 4)]
