import time
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Project, User
from experiments.definition import Definition
from experiments.models import Bundle, Checkpoint, Experiment, Run
from experiments.selectors.search import observations
from experiments.services import searching
from experiments.services.forking import run_fork
from experiments.services.launch import experiment_create
from experiments.services.revision import experiment_revise
from experiments.services.searching import sets_propose
from mlplatform.kernel import clock
from mlplatform.kernel.errors import InvalidInput
from runners.models import Allocation
from tests.experiments.conftest import tick
from tests.experiments.services.history import StoppedClock
from tests.fakes.runner import FakeRunner
from tests.points import summary

RANDOM = {"method": "random", "runs": 4, "seed": 7, "space": {"lr": {"min": 0.001, "max": 0.1, "log": True}}}
TPE = {**RANDOM, "method": "tpe", "runs": 6}

pytestmark = pytest.mark.usefixtures("runner")


@pytest.fixture
def searched(owner: User, project: Project, typed_bundle: Bundle) -> Any:
    def create(search: dict[str, Any], **fields: Any) -> Experiment:
        definition = Definition(
            name="search", entrypoint="train:train", objective_metric="accuracy", search=search, **fields
        )
        return experiment_create(user=owner, project=project, bundle=typed_bundle, definition=definition)

    return create


def finish(run: Run, accuracy: float | None, state: str = "completed") -> None:
    Run.objects.filter(pk=run.pk).update(state=state)
    if accuracy is not None:
        summary(run, last=accuracy, max=accuracy)


def params(experiment: Experiment) -> list[dict[str, Any]]:
    return list(experiment.runs.values_list("params", flat=True))


def test_a_random_search_queues_all_its_sets_at_once(searched: Any) -> None:
    experiment = searched(RANDOM)
    assert experiment.runs.count() == 4
    assert all(0.001 <= one["lr"] <= 0.1 for one in params(experiment))
    assert len({one["lr"] for one in params(experiment)}) == 4
    assert set(experiment.runs.values_list("searched", flat=True)) == {True}
    tick()
    assert experiment.runs.count() == 4


def test_the_sets_depend_on_the_seed_and_their_number_only(searched: Any) -> None:
    first, second = searched(RANDOM), searched({**RANDOM, "runs": 2})
    assert params(first)[:2] == params(second)
    Experiment.objects.filter(pk=second.pk).update(search={**RANDOM, "runs": 4})
    sets_propose(second.pk)
    assert params(second) == params(first)
    assert params(searched({**RANDOM, "seed": 8})) != params(first)


def test_repeats_share_a_set_and_differ_in_their_seed(searched: Any) -> None:
    experiment = searched({**RANDOM, "runs": 2, "repeat": 3})
    assert list(experiment.runs.values_list("set_number", "repeat")) == [
        (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3),
    ]  # fmt: skip
    assert len(set(experiment.runs.values_list("seed", flat=True))) == 6
    assert params(experiment)[0] == params(experiment)[2] != params(experiment)[3]


def test_a_grid_is_every_combination(searched: Any) -> None:
    experiment = searched({"method": "grid", "space": {"lr": [0.1, 0.2], "epochs": [1, 2]}})
    assert sorted((one["lr"], one["epochs"]) for one in params(experiment)) == [
        (0.1, 1), (0.1, 2), (0.2, 1), (0.2, 2),
    ]  # fmt: skip
    tick()
    assert experiment.runs.count() == 4


def test_a_searcher_that_learns_is_asked_as_runs_end(searched: Any) -> None:
    experiment = searched(TPE, max_parallel=2)
    assert experiment.runs.count() == 0
    tick()
    assert experiment.runs.count() == 2
    tick()
    assert experiment.runs.count() == 2
    finish(experiment.runs.get(number=1), 0.5)
    tick()
    assert experiment.runs.count() == 3
    while experiment.runs.filter(state="queued").exists():
        finish(experiment.runs.filter(state="queued").first(), 0.4)
        tick()
    tick()
    assert experiment.runs.count() == 6
    experiment.refresh_from_db()
    assert experiment.state == "completed"


def test_more_runs_continue_the_search_with_what_it_knows(searched: Any, owner: User) -> None:
    experiment = searched(TPE, max_parallel=6)
    tick()
    for run in experiment.runs.all():
        finish(run, run.number / 10)
    tick()
    experiment.refresh_from_db()
    assert experiment.state == "completed"
    experiment_revise(user=owner, experiment=experiment, changes={"runs": 7})
    tick()
    experiment.refresh_from_db()
    assert (experiment.state, experiment.runs.count()) == ("active", 7)


def test_what_a_searcher_sees(searched: Any) -> None:
    experiment = searched({**RANDOM, "runs": 3, "repeat": 2})
    runs = list(experiment.runs.order_by("number"))
    finish(runs[0], 0.5)
    finish(runs[1], 0.7)
    finish(runs[2], 0.2, "pruned")
    finish(runs[3], None, "failed")
    finish(runs[4], 0.9)
    seen = observations(experiment)
    assert [(one.number, one.state) for one in seen] == [(1, "completed"), (2, "pruned"), (3, "open")]
    assert seen[0].value == pytest.approx(0.6)
    assert seen[1].value == pytest.approx(0.2)


def test_a_fork_is_nothing_to_learn_from(searched: Any, owner: User) -> None:
    experiment = searched({**RANDOM, "runs": 1})
    run = experiment.runs.get()
    finish(run, 0.5)
    Checkpoint.objects.create(run=run, attempt=1, step=3, path="/c", metrics={})
    finish(run_fork(user=owner, run=run, params={"epochs": 9}), 0.9)
    assert [(one.number, one.value) for one in observations(experiment)] == [(1, 0.5)]


def test_a_search_without_an_objective_to_learn_from_is_refused(
    owner: User, project: Project, typed_bundle: Bundle
) -> None:
    definition = Definition(name="search", entrypoint="train:train", search=TPE)
    with pytest.raises(InvalidInput) as caught:
        experiment_create(user=owner, project=project, bundle=typed_bundle, definition=definition)
    assert caught.value.field == "objective_metric"
    assert not Experiment.objects.exists()


class Slow:
    """Needs more than half a turn for each set."""

    adaptive = True
    startup = 0

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock

    def propose(self, number: int, history: Any) -> dict[str, Any]:
        self.clock[0] += 0.6
        return {"lr": 0.01 * number, "epochs": 3, "optimizer": "adam"}


def test_a_slow_searcher_works_in_turns(searched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, now = searched({**TPE, "runs": 5}, max_parallel=5), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(searching, "searcher_for", lambda *_, **__: Slow(now))
    for made in (2, 4, 5, 5):
        tick()
        assert experiment.runs.count() == made


def test_a_set_is_dropped_if_somebody_else_was_faster_or_less_is_wanted(
    searched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = searched(TPE, max_parallel=2)
    ask = searching._ask

    def meanwhile(happens: Any) -> None:
        def slow(*args: Any, **options: Any) -> Any:
            found = ask(*args, **options)
            monkeypatch.setattr(searching, "_ask", ask)
            happens()
            return found

        monkeypatch.setattr(searching, "_ask", slow)
        sets_propose(experiment.pk)

    meanwhile(lambda: sets_propose(experiment.pk))
    assert experiment.runs.count() == 2
    Experiment.objects.update(max_parallel=4)
    meanwhile(lambda: Experiment.objects.update(max_parallel=3))
    assert experiment.runs.count() == 3
    Experiment.objects.update(max_parallel=4)
    meanwhile(lambda: Experiment.objects.update(state="paused"))
    assert experiment.runs.count() == 3
    Experiment.objects.update(state="active")
    meanwhile(lambda: Experiment.objects.update(search_stopped=True))
    assert experiment.runs.count() == 3


def test_a_searcher_that_fails_keeps_nothing_else_from_being_done_and_is_given_up(
    searched: Any, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = StoppedClock(monkeypatch)
    experiment = searched(TPE, max_parallel=2)
    tick()
    Experiment.objects.update(search={**TPE, "space": {"gone": 1}})
    for run in experiment.runs.all():
        finish(run, 0.5)
    stopped.advance(1)
    for seconds, failures in ((0, 1), (0, 1), (6, 2), (6, 2), (6, 3), (30, 3)):
        stopped.advance(seconds)
        tick()
        assert experiment.events.filter(kind="search_failed").count() == failures
    assert "gone" in experiment.events.filter(kind="search_failed").last().message
    experiment.refresh_from_db()
    assert experiment.state == "completed"
    Experiment.objects.update(search=TPE)
    stopped.advance(1)
    experiment_revise(user=owner, experiment=experiment, changes={"runs": 7})
    tick()
    assert experiment.runs.count() == 4


def test_a_grid_that_is_exhausted_is_complete_whatever_more_it_may_make(searched: Any, owner: User) -> None:
    experiment = searched({"method": "grid", "space": {"lr": [0.1, 0.2]}})
    experiment_revise(user=owner, experiment=experiment, changes={"runs": 5})
    experiment.runs.update(state="completed")
    tick()
    tick()
    experiment.refresh_from_db()
    assert (experiment.state, experiment.runs.count()) == ("completed", 2)


def test_after_giving_up_nothing_is_proposed_until_a_person_says_more(
    searched: Any, owner: User, runner: FakeRunner
) -> None:
    experiment = searched({**TPE, "runs": 6}, max_parallel=2)
    runner.refusal = "no such image"
    for _ in range(6):
        Allocation.objects.update(ended_at=clock.now() - timedelta(seconds=60))
        tick()
    experiment.refresh_from_db()
    assert experiment.state == "completed"
    assert list(experiment.runs.values_list("state", "cause_code")) == [("failed", "submit_failed")] * 2
    runner.refusal = ""
    experiment_revise(user=owner, experiment=experiment, changes={"runs": 8})
    tick()
    tick()
    assert Allocation.objects.filter(state="submitted").count() == 2
    assert experiment.runs.filter(state="queued").count() == 2
