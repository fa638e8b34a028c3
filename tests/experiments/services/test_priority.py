from dataclasses import replace

import pytest

from accounts.models import Membership, Project, Role, User
from experiments.definition import Definition
from experiments.models import Bundle, Experiment
from experiments.services.launch import experiment_create
from experiments.services.reconcile import reconcile
from experiments.services.revision import experiment_revise
from mlplatform.kernel.errors import InvalidInput
from runners.models import Allocation
from tests.fakes.runner import FakeRunner

HIGH = Definition(name="urgent", entrypoint="train:train", priority="high")


@pytest.fixture
def editor(project: Project, viewer: User) -> User:
    Membership.objects.filter(user=viewer).update(role=Role.EDITOR)
    return viewer


def test_owners_alone_give_high_priority(
    project: Project, bundle: Bundle, owner: User, editor: User, experiment: Experiment
) -> None:
    def launch(user: User, definition: Definition) -> Experiment:
        return experiment_create(
            user=user, project=project, bundle=bundle, definition=definition, param_sets=[{"lr": 0.1}]
        )

    with pytest.raises(InvalidInput, match="Only owners of Vision") as refused:
        launch(editor, HIGH)
    assert refused.value.field == "priority"
    assert launch(editor, replace(HIGH, priority="low")).priority == "low"
    assert launch(owner, HIGH).priority == "high"
    with pytest.raises(InvalidInput, match="Only owners"):
        experiment_revise(user=editor, experiment=experiment, changes={"priority": "high"})
    urgent = experiment_revise(user=owner, experiment=experiment, changes={"priority": "high"})
    renamed = experiment_revise(user=editor, experiment=urgent, changes={"name": "x", "priority": "high"})
    assert (renamed.name, renamed.priority) == ("x", "high"), "what is high already may stay so"
    with pytest.raises(InvalidInput, match="choose low, normal or high"):
        launch(owner, replace(HIGH, priority="urgent"))
    with pytest.raises(InvalidInput, match="choose low, normal or high"):
        experiment_revise(user=owner, experiment=experiment, changes={"priority": "urgent"})


def test_it_reaches_what_waits(runner: FakeRunner, experiment: Experiment, owner: User) -> None:
    Allocation.objects.create(
        owner_id=experiment.id, backend="local", state="running", workers=2, cpus_per_worker=1,
        gpus_per_worker=0, package_key="x",
    )  # fmt: skip
    Experiment.objects.update(max_parallel=2)
    runner.down = True
    reconcile()
    asked = Allocation.objects.get(state="waiting")
    assert (asked.project, asked.user, asked.priority) == (experiment.project, owner, 1)
    experiment_revise(user=owner, experiment=experiment, changes={"priority": "low"})
    asked.refresh_from_db()
    assert asked.priority == 0
