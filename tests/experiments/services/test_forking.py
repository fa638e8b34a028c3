from typing import Any

import pytest
from django.db import connection
from django.db.models import RestrictedError

from accounts.models import Project, User
from experiments.models import Checkpoint, Experiment, Run
from experiments.services.forking import run_continue, run_fork
from experiments.services.leasing import lease_next
from mlplatform.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound


@pytest.fixture
def trained(leased: Any) -> Run:
    """A run with checkpoints at steps 2 and 3."""
    _, run, _ = leased
    for step in (2, 3):
        Checkpoint.objects.create(run=run, attempt=1, step=step, path=f"/runs/{run.id}/1-{step}", metrics={})
    return run


def test_a_fork_begins_at_the_last_checkpoint_with_other_values(
    owner: User, trained: Run, leased: Any
) -> None:
    allocation, _, _ = leased
    fork = run_fork(user=owner, run=trained, params={"lr": 0.5, "epochs": 5})
    assert (fork.number, fork.set_number, fork.searched) == (3, 3, False)
    assert fork.params == {**trained.params, "lr": 0.5, "epochs": 5}
    assert fork.parent == trained
    Run.objects.filter(number__in=[1, 2]).update(state="completed")
    order = lease_next(allocation=allocation, group_id="another", environment={})
    assert order.run
    assert order.run["id"] == str(fork.id)
    assert order.run["checkpoint"] == {"path": f"/runs/{trained.id}/1-3", "step": 3}
    assert fork.attempts.get().resumed_from == 3


def test_a_fork_from_an_earlier_checkpoint_reopens_the_experiment(owner: User, trained: Run) -> None:
    Experiment.objects.update(state="completed")
    early = trained.checkpoints.get(step=2)
    assert run_fork(user=owner, run=trained, checkpoint=early.pk).start_checkpoint == early
    assert Experiment.objects.get().state == "active"


def test_its_own_checkpoints_come_before_the_one_it_was_forked_from(
    owner: User, trained: Run, leased: Any
) -> None:
    allocation, _, _ = leased
    fork = run_fork(user=owner, run=trained, params={"epochs": 9})
    Checkpoint.objects.create(run=fork, attempt=1, step=9, path="/own", metrics={})
    Run.objects.filter(pk=fork.pk).update(attempts_made=1)
    Run.objects.filter(number__in=[1, 2]).update(state="completed")
    order = lease_next(allocation=allocation, group_id="another", environment={})
    assert order.run
    assert order.run["checkpoint"] == {"path": "/own", "step": 9}


def test_what_cannot_be_forked(owner: User, trained: Run) -> None:
    other = Run.objects.get(number=2)
    with pytest.raises(Conflict, match="Run 2 has no checkpoint"):
        run_fork(user=owner, run=other)
    with pytest.raises(NotFound, match="has no checkpoint"):
        run_fork(user=owner, run=other, checkpoint=trained.checkpoints.get(step=2).pk)
    with pytest.raises(InvalidInput, match="no parameter depth"):
        run_fork(user=owner, run=trained, params={"depth": 3})
    assert Run.objects.count() == 2


def test_a_fork_with_nothing_to_do_is_refused_with_what_to_change(owner: User, trained: Run) -> None:
    early = trained.checkpoints.get(step=2)

    def refused(**given: Any) -> str:
        with pytest.raises(InvalidInput) as caught:
            run_fork(user=owner, run=trained, **given)
        assert caught.value.field == "checkpoint"
        return caught.value.message

    over = "A run with epochs 3 is over at step 3, so a fork that begins at step 3 has nothing to do; "
    assert refused() == f"{over}begin at an earlier checkpoint, or set epochs above 3."
    assert "with epochs 2 is over at step 2" in refused(checkpoint=early.pk, params={"epochs": 2})
    early.delete()
    assert refused(params={"lr": 0.5}) == f"{over}set epochs above 3."
    Experiment.objects.update(progress="3")
    trained.refresh_from_db(fields=["experiment"])
    assert refused().startswith("A run is over at step 3")
    assert refused().endswith("has nothing to do; add a new run instead.")
    assert Run.objects.count() == 2


def test_a_length_that_nobody_can_know_refuses_nothing(owner: User, trained: Run) -> None:
    # Two reports per epoch: it went on beyond what looks like its length.
    Checkpoint.objects.create(run=trained, attempt=1, step=6, path="/6", metrics={})
    fork = run_fork(user=owner, run=trained, params={"lr": 0.5})
    assert fork.start_checkpoint.step == 6  # type: ignore[union-attr]
    fork.delete()
    trained.checkpoints.get(step=6).delete()
    Experiment.objects.update(progress="")
    trained.refresh_from_db(fields=["experiment"])
    assert run_fork(user=owner, run=trained).start_checkpoint.step == 3  # type: ignore[union-attr]


def test_a_completed_run_is_trained_further(owner: User, trained: Run) -> None:
    Experiment.objects.update(progress="epochs", state="completed")
    Run.objects.filter(pk=trained.pk).update(state="completed")
    longer = run_continue(user=owner, run=Run.objects.get(pk=trained.pk), more=4)
    assert longer.params == {**trained.params, "epochs": trained.params["epochs"] + 4}
    assert longer.start_checkpoint == trained.checkpoints.get(step=3)


def test_what_cannot_be_continued(owner: User, trained: Run) -> None:
    Experiment.objects.update(progress="")
    with pytest.raises(Conflict, match="starting; only a completed"):
        run_continue(user=owner, run=trained, more=1)
    Run.objects.update(state="completed")
    done = Run.objects.get(pk=trained.pk)
    with pytest.raises(Conflict, match="name it as `progress`"):
        run_continue(user=owner, run=done, more=1)
    Experiment.objects.update(progress="epochs")
    done = Run.objects.get(pk=trained.pk)
    with pytest.raises(InvalidInput, match="0 more"):
        run_continue(user=owner, run=done, more=0)


def test_who_may(viewer: User, stranger: User, trained: Run) -> None:
    with pytest.raises(Forbidden):
        run_fork(user=viewer, run=trained)
    with pytest.raises(NotFound):
        run_fork(user=stranger, run=trained)


@pytest.fixture
def fork_of_a_fork(owner: User, trained: Run) -> Run:
    fork = run_fork(user=owner, run=trained, params={"epochs": 9})
    Checkpoint.objects.create(run=fork, attempt=1, step=5, path=f"/runs/{fork.id}/1-5", metrics={})
    return run_fork(user=owner, run=fork)


def test_where_a_fork_begins_cannot_be_deleted_before_it(trained: Run, fork_of_a_fork: Run) -> None:
    rows: list[Any] = [trained, fork_of_a_fork.parent, trained.checkpoints.get(step=3)]
    for row in rows:
        with pytest.raises(RestrictedError):
            row.delete()
    assert trained.checkpoints.get(step=2).delete()


@pytest.mark.parametrize("model", [Experiment, Project])
def test_an_experiment_is_deleted_with_its_forks(model: Any, fork_of_a_fork: Run) -> None:
    model.objects.get().delete()
    assert not Run.objects.exists()
    connection.check_constraints()
