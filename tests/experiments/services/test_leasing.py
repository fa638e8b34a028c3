import math
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from experiments.causes import objective_cause
from experiments.models import Checkpoint, Experiment, MetricBatch, Run, RunMetric
from experiments.services import leasing
from experiments.services.control import experiment_cancel, run_retry
from experiments.services.leasing import Order, lease_following, lease_next
from experiments.services.lifecycle import run_finish
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Unauthenticated
from runners.models import Allocation, Lease
from runners.services.leases import Fenced, lease_release
from tests.points import report


def ask(allocation: Allocation, group: str = "one") -> Order:
    return lease_next(allocation=allocation, group_id=group, environment={"python": "3.11"})


def test_the_first_queued_run_is_leased_with_all_that_it_needs(
    allocation: Allocation, experiment: Experiment
) -> None:
    order = ask(allocation)
    run = experiment.runs.get(number=1)
    assert order.order == "run"
    assert order.run is not None
    assert order.run | {"fence": 0} == {
        "id": str(run.id),
        "number": 1,
        "name": "sweep #1",
        "experiment": "sweep",
        "attempt": 1,
        "fence": 0,
        "seed": run.seed,
        "config": {"lr": 0.1, "epochs": 3},
        "entrypoint": "train:train",
        "checkpoint": None,
        "progress_total": 3,
        "lease_s": 12,
    }
    assert run.state == "starting"
    assert run.attempts.get().environment == {"python": "3.11"}
    allocation.refresh_from_db()
    assert allocation.state == "running"


def test_asking_again_after_a_lost_answer_gets_the_same_lease(allocation: Allocation) -> None:
    assert ask(allocation) == ask(allocation)
    assert Lease.objects.count() == 1


def test_a_new_group_of_the_allocation_means_that_the_old_workers_died(allocation: Allocation) -> None:
    first = ask(allocation, "one")
    second = ask(allocation, "two")
    assert first.run
    assert second.run
    assert (second.run["id"], second.run["attempt"]) == (first.run["id"], 2)
    assert second.run["fence"] > first.run["fence"]
    run = Run.objects.get(pk=first.run["id"])
    assert run.losses == 1
    assert [(a.number, a.outcome, a.cause_code) for a in run.attempts.all()] == [
        (1, "lost", "worker_died"),
        (2, "", ""),
    ]


def test_a_run_that_kills_its_workers_again_and_again_is_poison(
    allocation: Allocation, experiment: Experiment, wait: Callable[[timedelta], None]
) -> None:
    numbers = []
    for _ in range(4):
        order = ask(allocation, uuid.uuid4().hex)
        assert order.run
        numbers.append(order.run["number"])
        wait(timedelta(seconds=6))
    # The second loss costs a back-off, in which the next run has its turn.
    assert numbers == [1, 1, 2, 1]
    last = ask(allocation, "last")
    assert last.run
    assert last.run["number"] == 2
    run = experiment.runs.get(number=1)
    assert (run.state, run.cause_code, run.losses) == ("failed", "worker_died", 3)
    assert "memory" in run.cause_message
    assert "took down 3 worker groups in a row and is not tried again" in run.cause_message


def test_a_run_that_backs_off_is_not_leased_and_says_until_when(
    allocation: Allocation, experiment: Experiment, wait: Callable[[timedelta], None]
) -> None:
    experiment.runs.exclude(number=1).update(state="completed")
    ask(allocation, "one")
    assert ask(allocation, "two").run, "the first loss costs no time"
    assert ask(allocation, "three").order == "wait"
    run = experiment.runs.get(number=1)
    assert run.not_before is not None
    assert 4 < (run.not_before - clock.now()).total_seconds() <= 5
    assert f"again at {run.not_before:%H:%M:%S} UTC" in run.waiting_reason
    wait(timedelta(seconds=5))
    order = ask(allocation, "three")
    assert order.run
    assert order.run["attempt"] == 3


def test_what_the_backend_said_of_the_loss_is_kept(allocation: Allocation, experiment: Experiment) -> None:
    ask(allocation, "one")
    Run.objects.update(losses=2)
    Lease.objects.update(
        released_at=clock.now(), release_reason="out_of_memory", release_detail="Ray's words"
    )
    ask(allocation, "two")
    run = experiment.runs.get(number=1)
    assert (run.cause_code, run.cause_traceback) == ("out_of_memory", "Ray's words")


def test_losses_count_only_while_nothing_is_reached(allocation: Allocation, experiment: Experiment) -> None:
    run = experiment.runs.get(number=1)
    for step in range(1, 8):
        order = ask(allocation, uuid.uuid4().hex)
        assert order.run
        assert order.run["number"] == 1
        Checkpoint.objects.create(run=run, attempt=order.run["attempt"], step=step, path=f"/c/{step}")


def test_code_that_saves_but_never_resumes_is_not_tried_for_ever(
    allocation: Allocation, experiment: Experiment, settings: Any
) -> None:
    settings.MAX_LOST_IN_ALL = 4
    run = experiment.runs.get(number=1)
    for step in range(1, 5):
        order = ask(allocation, uuid.uuid4().hex)
        assert order.run
        assert order.run["number"] == 1
        Checkpoint.objects.create(run=run, attempt=order.run["attempt"], step=step, path=f"/c/{step}")
    order = ask(allocation, uuid.uuid4().hex)
    assert order.run
    assert order.run["number"] == 2
    run.refresh_from_db()
    assert (run.state, run.cause_code) == ("failed", "worker_died")


def test_a_new_attempt_resumes_from_the_last_checkpoint_and_forgets_what_came_after(
    allocation: Allocation, experiment: Experiment
) -> None:
    ask(allocation, "one")
    run = experiment.runs.get(number=1)
    Checkpoint.objects.create(run=run, attempt=1, step=2, path="/c/2")
    report(run, [1, 2, 3], [3.0, 2.0, 1.0], name="loss")
    report(run, [4], [0.5], name="loss", seq=2)
    order = ask(allocation, "two")
    assert order.run
    assert order.run["checkpoint"] == {"path": "/c/2", "step": 2}
    assert list(MetricBatch.objects.values_list("steps", "values")) == [([1, 2], [3.0, 2.0])]
    assert RunMetric.objects.values_list("last", "min", "count").get() == (2.0, 2.0, 2)
    run.refresh_from_db()
    assert run.progress == pytest.approx(2 / 3)


def test_with_nothing_left_it_waits_then_drains(
    allocation: Allocation, experiment: Experiment, settings: Any
) -> None:
    experiment.runs.update(state="completed")
    assert ask(allocation) == Order("wait", wait_s=0.1)
    Allocation.objects.update(idle_since=clock.now() - timedelta(seconds=3))
    assert ask(allocation) == Order("wait", wait_s=0.5)
    late = clock.now() - timedelta(seconds=settings.IDLE_ALLOCATION_SECONDS + 1)
    Allocation.objects.update(idle_since=late)
    assert ask(allocation).order == "drain"
    allocation.refresh_from_db()
    assert allocation.state == "draining"
    assert ask(allocation).order == "drain"


def test_nothing_of_a_canceled_experiment_is_leased(
    allocation: Allocation, owner: User, experiment: Experiment
) -> None:
    experiment_cancel(user=owner, experiment=experiment)
    assert ask(allocation).order == "wait"


def test_an_ended_allocation_gets_nothing(allocation: Allocation) -> None:
    Allocation.objects.update(state="ended")
    with pytest.raises(Unauthenticated):
        ask(allocation)


def test_a_group_that_has_ended_a_run_gets_the_next_one(
    allocation: Allocation, experiment: Experiment
) -> None:
    first = ask(allocation, "one")
    assert first.run
    assert lease_following(allocation=allocation, group_id="one") == first, "it still holds the first"
    Run.objects.filter(pk=first.run["id"]).update(state="completed")
    Lease.objects.update(released_at=clock.now(), release_reason="completed")
    second = lease_following(allocation=allocation, group_id="one")
    assert second
    assert second.run
    assert second.run["number"] == 2
    assert ask(allocation, "one") == second, "as if the answer was lost"
    assert experiment.runs.get(number=2).attempts.get().environment == {"python": "3.11"}


def test_a_group_that_is_gone_neither_gets_a_run_nor_takes_one_away(allocation: Allocation) -> None:
    ask(allocation, "old")
    ask(allocation, "new")
    assert lease_following(allocation=allocation, group_id="old") is None
    assert Lease.objects.get(released_at=None).group_id == "new"
    allocation.refresh_from_db()
    assert allocation.group_id == "new"


@pytest.mark.parametrize("it_leased", [True, False])
def test_a_late_request_of_a_replaced_group_is_refused(
    allocation: Allocation, experiment: Experiment, it_leased: bool
) -> None:
    if not it_leased:
        Run.objects.update(state="completed")
    ask(allocation, "old")
    Run.objects.filter(state="completed").update(state="queued")
    new = ask(allocation, "new")
    with pytest.raises(Fenced, match="replaced"):
        ask(allocation, "old")
    assert ask(allocation, "new") == new
    assert experiment.runs.get(number=1).losses == it_leased


def test_a_group_whose_allocation_has_ended_is_told_when_it_asks(allocation: Allocation) -> None:
    ask(allocation, "one")
    Allocation.objects.update(state="ended")
    assert lease_following(allocation=allocation, group_id="one") is None


def test_the_next_lease_costs_few_queries_however_many_runs_are_running(
    allocation: Allocation, experiment: Experiment, django_assert_num_queries: Any
) -> None:
    ask(allocation, "one")
    Run.objects.update(state="completed")
    Lease.objects.update(released_at=clock.now(), release_reason="completed")
    for number in range(3, 23):
        state = "queued" if number == 3 else "running"
        Run.objects.create(experiment=experiment, number=number, set_number=number, seed=1, state=state)
    # Savepoint, allocation, lease held, run, lease, run, event, attempt, release.
    with django_assert_num_queries(9):
        order = lease_following(allocation=allocation, group_id="one")
    assert order
    assert order.run


def test_a_group_that_finds_nothing_left_tells_the_reconciler_once(
    allocation: Allocation, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(leasing, "enqueue", sent.append)
    experiment.runs.update(state="completed")
    for _ in range(3):
        assert ask(allocation).order == "wait"
    assert sent == ["reconcile"]


def test_a_retry_after_nan_begins_before_it(
    allocation: Allocation, experiment: Experiment, owner: User
) -> None:
    experiment.runs.exclude(number=1).update(state="completed")
    order = ask(allocation, "one")
    assert order.run
    run = experiment.runs.select_related("experiment").get(number=1)
    for step, accuracy in ((1, 0.5), (2, 0.4), (3, "nan")):
        Checkpoint.objects.create(
            run=run, attempt=1, step=step, path=f"/c/1-{step:06d}", metrics={"accuracy": accuracy}
        )
    assert run_finish(run, "failed", objective_cause("accuracy", (3, math.nan), ""))
    lease_release(order.run["fence"], "failed")
    run_retry(user=owner, run=run)
    again = ask(allocation, "two")
    assert again.run
    assert again.run["checkpoint"] == {"path": "/c/1-000002", "step": 2}
    assert run.attempts.get(number=2).resumed_from == 2
