from typing import Any

import pytest

from accounts.models import Project, User
from experiments.definition import Definition
from experiments.models import Bundle, Checkpoint, Experiment, Run, RunMetric
from experiments.selectors.search import observations
from experiments.services.forking import run_fork
from experiments.services.launch import experiment_create
from experiments.services.reconcile import reconcile
from experiments.services.revision import experiment_revise
from experiments.services.searching import sets_propose
from mlplatform.kernel.errors import InvalidInput

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
        RunMetric.objects.create(
            run=run,
            experiment=run.experiment,
            name="accuracy",
            last=accuracy,
            last_step=1,
            max=accuracy,
            count=1,
        )


def params(experiment: Experiment) -> list[dict[str, Any]]:
    return list(experiment.runs.values_list("params", flat=True))


def test_a_random_search_queues_all_its_sets_at_once(searched: Any) -> None:
    experiment = searched(RANDOM)
    assert experiment.runs.count() == 4
    assert all(0.001 <= one["lr"] <= 0.1 for one in params(experiment))
    assert len({one["lr"] for one in params(experiment)}) == 4
    assert set(experiment.runs.values_list("searched", flat=True)) == {True}
    reconcile()
    assert experiment.runs.count() == 4


def test_the_sets_depend_on_the_seed_and_their_number_only(searched: Any) -> None:
    first, second = searched(RANDOM), searched({**RANDOM, "runs": 2})
    assert params(first)[:2] == params(second)
    Experiment.objects.filter(pk=second.pk).update(search={**RANDOM, "runs": 4})
    second.refresh_from_db()
    sets_propose(second)
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
    reconcile()
    assert experiment.runs.count() == 4


def test_a_searcher_that_learns_is_asked_as_runs_end(searched: Any) -> None:
    experiment = searched(TPE, max_parallel=2)
    assert experiment.runs.count() == 0
    reconcile()
    assert experiment.runs.count() == 2
    reconcile()
    assert experiment.runs.count() == 2
    finish(experiment.runs.get(number=1), 0.5)
    reconcile()
    assert experiment.runs.count() == 3
    while experiment.runs.filter(state="queued").exists():
        finish(experiment.runs.filter(state="queued").first(), 0.4)
        reconcile()
    assert experiment.runs.count() == 6
    experiment.refresh_from_db()
    assert experiment.state == "completed"


def test_more_runs_continue_the_search_with_what_it_knows(searched: Any, owner: User) -> None:
    experiment = searched(TPE, max_parallel=6)
    reconcile()
    for run in experiment.runs.all():
        finish(run, run.number / 10)
    reconcile()
    experiment.refresh_from_db()
    assert experiment.state == "completed"
    experiment_revise(user=owner, experiment=experiment, changes={"runs": 7})
    reconcile()
    experiment.refresh_from_db()
    assert (experiment.state, experiment.runs.count()) == ("active", 7)


def test_what_a_searcher_sees(searched: Any) -> None:
    experiment = searched({**RANDOM, "runs": 4, "repeat": 2})
    runs = list(experiment.runs.order_by("number"))
    finish(runs[0], 0.5)
    finish(runs[1], 0.7)
    finish(runs[2], 0.2, "pruned")
    finish(runs[3], None, "failed")
    finish(runs[4], 0.9)
    finish(runs[6], 0.8)
    finish(runs[7], 0.1, "pruned")
    seen = observations(experiment)
    states = [(1, "completed"), (2, "pruned"), (3, "open"), (4, "completed")]
    assert [(one.number, one.state) for one in seen] == states
    assert seen[0].value == pytest.approx(0.6)
    assert seen[1].value == pytest.approx(0.2)
    assert seen[3].value == pytest.approx(0.8), "what the pruned one had reached is no whole run's"


def test_a_fork_is_nothing_to_learn_from(searched: Any, owner: User) -> None:
    experiment = searched({**RANDOM, "runs": 1})
    run = experiment.runs.get()
    finish(run, 0.5)
    Checkpoint.objects.create(run=run, attempt=1, step=2, path="/c", metrics={})
    finish(run_fork(user=owner, run=run), 0.9)
    assert [(one.number, one.value) for one in observations(experiment)] == [(1, 0.5)]


def test_a_search_without_an_objective_to_learn_from_is_refused(
    owner: User, project: Project, typed_bundle: Bundle
) -> None:
    definition = Definition(name="search", entrypoint="train:train", search=TPE)
    with pytest.raises(InvalidInput) as caught:
        experiment_create(user=owner, project=project, bundle=typed_bundle, definition=definition)
    assert caught.value.field == "objective_metric"
    assert not Experiment.objects.exists()
