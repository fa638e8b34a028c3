from typing import Any

import pytest

from accounts.models import AuditEvent, Project, User
from experiments.definition import Definition
from experiments.models import Bundle, Experiment, Run
from experiments.services.control import experiment_cancel
from experiments.services.launch import experiment_create, runs_add
from experiments.services.preview import Preview, experiment_preview
from experiments.services.searching import run_seed
from mlplatform.kernel.errors import Forbidden, InvalidInput, NotFound

RANDOM = {"method": "random", "runs": 4, "space": {"lr": {"type": "float", "min": 0.1, "max": 1}}}


def create(user: User, project: Project, bundle: Bundle, **fields: Any) -> Experiment:
    sets = fields.pop("param_sets", [{"lr": 0.1}])
    definition = Definition(**{"name": "sweep", "entrypoint": "train:train"} | fields)
    return experiment_create(
        user=user, project=project, bundle=bundle, definition=definition, param_sets=sets
    )


def preview(user: User, project: Project, bundle: Bundle, **fields: Any) -> Preview:
    sets = fields.pop("param_sets", [{"lr": 0.1}])
    definition = Definition(**{"name": "sweep", "entrypoint": "train:train"} | fields)
    return experiment_preview(user=bundle.created_by, bundle=bundle, definition=definition, param_sets=sets)


def test_an_experiment_has_a_queued_run_per_set(owner: User, project: Project, bundle: Bundle) -> None:
    experiment = create(owner, project, bundle, param_sets=[{"lr": "0.1"}, {"lr": 0.2, "epochs": 1}])
    runs = list(experiment.runs.all())
    assert [(r.number, r.state, r.params) for r in runs] == [
        (1, "queued", {"lr": 0.1, "epochs": 3}),
        (2, "queued", {"lr": 0.2, "epochs": 1}),
    ]
    assert experiment.entrypoint == "train:train"
    assert AuditEvent.objects.filter(verb="experiment.create", actor=owner).exists()
    assert [e.kind for e in runs[0].events.all()] == ["queued"]


def test_names_may_repeat_and_slugs_do_not(owner: User, project: Project, bundle: Bundle) -> None:
    assert [create(owner, project, bundle, name="My sweep!").slug for _ in range(2)] == [
        "my-sweep",
        "my-sweep-2",
    ]


def test_seeds_depend_on_the_number_only(experiment: Experiment) -> None:
    assert [run.seed for run in experiment.runs.all()] == [run_seed(experiment, 1), run_seed(experiment, 2)]
    assert run_seed(experiment, 1) != run_seed(experiment, 2)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": "  "}, "name", "name"),
        ({"param_sets": []}, "runs", "at least one"),
        ({"param_sets": [{"lr": 1}] * 1001}, "runs", "1001"),
        ({"param_sets": [{}]}, "lr", "needs a value"),
        ({"param_sets": [{"lr": 1, "x": 2}]}, "x", "no parameter x"),
        ({"param_sets": [{"lr": 1, "epochs": "many"}]}, "epochs", "'many'"),
        ({"entrypoint": "train:fit"}, "entrypoint", "no function fit"),
        ({"objective_direction": "up"}, "objective_direction", "'up'"),
        ({"workers": 0}, "workers", "between 1 and"),
        ({"workers": 3}, "cpus_per_worker", "could never start"),
        ({"gpus_per_worker": 1}, "gpus_per_worker", "could never start"),
        ({"cpus_per_worker": float("nan")}, "cpus_per_worker", "nan"),
        ({"max_parallel": 0}, "max_parallel", "max parallel"),
        ({"max_retries": -1}, "max_retries", "max retries"),
        ({"memory_per_worker": -1}, "memory_per_worker", "memory per worker"),
        ({"max_hours": 0}, "max_hours", "max hours"),
        ({"keep_last": 0}, "keep_last", "keep last"),
        ({"target": 0.9}, "target", "needs a metric"),
        ({"param_sets": [], "search": {"method": "list", "repeat": 3}}, "runs", "at least one"),
        ({"search": {"method": "list", "runs": 3}}, "search.runs", "people list the sets"),
        ({"search": {**RANDOM, "runs": 1001, "repeat": 20}}, "search.repeat", "make 20020 runs"),
        ({"search": {**RANDOM, "runs": 1000, "repeat": 20}}, "runs", "make 20020 runs"),
        ({"search": {**RANDOM, "method": "tpe"}}, "objective_metric", "needs a metric"),
        ({"search": {**RANDOM, "pruner": {"method": "median"}}}, "objective_metric", "needs a metric"),
    ],
)
def test_anything_wrong_names_the_field_and_creates_nothing(  # noqa: PLR0917 fixtures
    owner: User, project: Project, bundle: Bundle, fields: dict[str, Any], field: str, words: str
) -> None:
    for attempt in (create, preview):
        with pytest.raises(InvalidInput) as caught:
            attempt(owner, project, bundle, **fields)
        assert caught.value.field == field
        assert words in caught.value.message
    assert not Experiment.objects.exists()


def test_who_may(owner: User, viewer: User, stranger: User, project: Project, bundle: Bundle) -> None:
    with pytest.raises(Forbidden):
        create(viewer, project, bundle)
    with pytest.raises(NotFound):
        create(stranger, project, bundle)


def test_code_of_another_project_is_not_there(owner: User, bundle: Bundle) -> None:
    from accounts.services.projects import project_create  # noqa: PLC0415

    with pytest.raises(NotFound):
        create(owner, project_create(user=owner, name="Other"), bundle)


def test_adding_runs_goes_on_counting_and_reopens(owner: User, experiment: Experiment) -> None:
    experiment_cancel(user=owner, experiment=experiment)
    runs = runs_add(user=owner, experiment=experiment, param_sets=[{"lr": 0.3}])
    assert [run.number for run in runs] == [3]
    experiment.refresh_from_db()
    assert (experiment.state, experiment.ended_at) == ("active", None)


def test_all_or_no_runs_are_added(owner: User, experiment: Experiment) -> None:
    with pytest.raises(InvalidInput):
        runs_add(user=owner, experiment=experiment, param_sets=[{"lr": 0.3}, {"lr": 1, "epochs": "x"}])
    assert Run.objects.count() == 2
