"""The words of experiment.yaml over REST."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from rest_framework.test import APIClient

from accounts.models import Project, User
from experiments.catalog import examples
from experiments.definition import SECTIONS, Definition
from experiments.models import Bundle, Experiment
from experiments.services.bundles import bundle_from_upload
from mlplatform.kernel.archive import pack
from tests.fixtures import CODE, DECLARATION

Api = Callable[..., APIClient]
PATH = "/api/v1/projects/vision/experiments/"
DEFINITION = b"""
name: own
objective: {metric: accuracy, direction: minimize}
resources: {workers: 2, cpus_per_worker: 0.5, memory_per_worker: 1}
budget: {max_parallel: 3, max_retries: 2, max_hours: 4, target: 0.5}
checkpoints: {keep_last: 2, keep_best: 0, keep_every: 10}
search: {method: random, runs: 3, repeat: 2, seed: 5, space: {lr: {}}, pruner: {method: median}}
runs: [{lr: 0.5}, {lr: 0.25, epochs: 2}]
fresh_process: true
"""


@pytest.fixture
def own(owner: User, project: Project) -> Bundle:
    """Code that says all of it itself."""
    files = {"train.py": CODE, "experiment.yaml": DECLARATION + DEFINITION}
    return bundle_from_upload(user=owner, project=project, filename="own.zip", content=pack(files))


def made(api: Api, owner: User, bundle: Bundle, content: dict[str, Any]) -> tuple[Any, list[Any]]:
    answer = api(owner).post(PATH, {"bundle": str(bundle.id), **content}, format="json")
    assert answer.status_code == 201, answer.json()
    experiment = Experiment.objects.get(pk=answer.json()["id"])
    return Definition.of_experiment(experiment), list(
        experiment.runs.order_by("number").values_list("params", "seed")
    )


def test_the_same_file_means_the_same_beside_the_code_and_over_rest(
    api: Api, owner: User, own: Bundle, typed_bundle: Bundle
) -> None:
    beside, runs = made(api, owner, own, {})
    sent, same_runs = made(api, owner, typed_bundle, yaml.safe_load(DEFINITION))
    assert beside == sent
    assert runs == same_runs
    assert len(runs) == 2 * (2 + 3)


def test_listed_sets_of_the_code_stay_unless_others_or_a_search_are_sent(
    api: Api, owner: User, own: Bundle
) -> None:
    assert len(made(api, owner, own, {"search": {"method": "list", "repeat": 3}})[1]) == 6
    assert len(made(api, owner, own, {"search": {"method": "grid", "space": {"lr": [0.1]}}})[1]) == 1
    assert len(made(api, owner, own, {"runs": [{}]})[1]) == 1


def test_every_section_of_a_manifest_is_known() -> None:
    for example in examples():
        content = example.manifest.to_json()
        for section, fields in SECTIONS.items():
            assert set(content[section]) <= set(fields)


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        ({"resources": {"worker": 2}}, "resources", "did you mean workers?"),
        ({"resources": 2}, "resources", "it must be a mapping"),
        ({"budget": {"max_parallel": 2}, "max_parallel": 2}, "budget.max_parallel", "said twice"),
        ({"resource": {"workers": 2}}, "resource", "did you mean resources?"),
        ({"budget": {"max_retries": 99}}, "max_retries", "between 0 and 10"),
    ],
)
def test_what_is_wrong_with_a_section(
    *, api: Api, owner: User, typed_bundle: Bundle, content: dict[str, Any], field: str, words: str
) -> None:
    given = {"bundle": str(typed_bundle.id), "runs": [{}], **content}
    answer = api(owner).post(PATH, given, format="json")
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert words in answer.json()["detail"]


def test_a_change_in_the_same_words(api: Api, owner: User, experiment: Experiment) -> None:
    path = f"/api/v1/experiments/{experiment.id}/"
    changed = api(owner).patch(path, {"budget": {"max_parallel": 3, "max_hours": None}}, format="json")
    assert changed.json()["max_parallel"] == 3
    refused = api(owner).patch(path, {"resources": {"workers": 2}}, format="json")
    assert refused.json()["field"] == "workers"


def test_a_clone_of_a_repeated_list_lists_its_sets(api: Api, owner: User, typed_bundle: Bundle) -> None:
    content = {"search": {"method": "list", "repeat": 2}, "runs": [{"lr": 0.1}, {"lr": 0.2}]}
    made(api, owner, typed_bundle, content)
    path = f"/api/v1/experiments/{Experiment.objects.get().id}/clone/"
    clone = api(owner).post(path, {"name": "again"}, format="json")
    assert clone.status_code == 201
    runs = Experiment.objects.get(pk=clone.json()["id"]).runs.order_by("number")
    assert [run.params["lr"] for run in runs] == [0.1, 0.1, 0.2, 0.2]
