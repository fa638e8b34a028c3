"""A field that nobody knows is never dropped: it is most often one that was misspelt."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import ApiToken, Project, User
from experiments.models import Bundle, Experiment

Api = Callable[..., APIClient]


@pytest.fixture
def paths(experiment: Experiment) -> dict[str, str]:
    run = experiment.runs.get(number=1)
    return {"EXPERIMENT": f"experiments/{experiment.id}", "RUN": f"runs/{run.id}"}


@pytest.mark.parametrize(
    ("path", "content", "meant"),
    [
        ("auth/tokens/", {"username": "olivia", "password": "x", "nam": "y"}, "name"),
        ("projects/", {"name": "Speech", "descripton": "y"}, "description"),
        ("projects/vision/bundles/", {"exmaple": "digits"}, "example"),
        ("projects/vision/bundles/", {"flie": "train.py"}, "file"),
        ("projects/vision/bundles/", {"git": {"url": "https://x.example/y", "revison": "main"}}, "revision"),
        ("projects/vision/experiments/", {"example": "digits", "max_paralel": 8}, "max_parallel"),
        ("projects/vision/experiments/preview/", {"example": "digits", "max_paralel": 8}, "max_parallel"),
        ("projects/vision/views/", {"name": "failed", "were": "state = failed"}, "where"),
        ("EXPERIMENT/runs/tag/", {"numbers": [1], "tag": {"a": "b"}}, "tags"),
        ("EXPERIMENT/clone/", {"serch": {}}, "search"),
        ("EXPERIMENT/runs/", {"runs": [{"lr": 1}], "repaet": 2}, ""),
        ("EXPERIMENT/runs/retry/", {"number": [99]}, "numbers"),
        ("EXPERIMENT/runs/cancel/", {"nubmers": [1]}, "numbers"),
        ("EXPERIMENT/cancel/", {"numbers": [1]}, ""),
        ("EXPERIMENT/pause/", {"until": "noon"}, ""),
        ("RUN/cancel/", {"now": True}, ""),
        ("RUN/fork/", {"chekpoint": 3}, "checkpoint"),
        ("RUN/continue/", {"more": 1, "mroe": 2}, "more"),
    ],
)
def test_it_is_refused_by_name_with_what_was_meant(
    *, api: Api, owner: User, paths: dict[str, str], path: str, content: Any, meant: str
) -> None:
    before = [list(table.objects.values()) for table in (ApiToken, Bundle, Experiment, Project)]
    place, _, rest = path.partition("/")
    client = api(owner)
    answer = client.post(f"/api/v1/{paths.get(place, place)}/{rest}", content, format="json")
    assert answer.status_code == 400, answer.json()
    field = answer.json()["field"]
    assert field in str(content)
    assert f"There is no field {field}" in answer.json()["detail"]
    if meant:
        assert f"did you mean {meant}? known are" in answer.json()["detail"]
    assert [list(table.objects.values()) for table in (ApiToken, Bundle, Experiment, Project)] == before


def test_what_cannot_be_changed_is_said_to_be_so(api: Api, owner: User, experiment: Experiment) -> None:
    for field, words in (("workers", "cannot be changed"), ("max_paralel", "did you mean max_parallel?")):
        answer = api(owner).patch(f"/api/v1/experiments/{experiment.id}/", {field: 2}, format="json")
        assert (answer.status_code, answer.json()["field"]) == (400, field)
        assert words in answer.json()["detail"]


def test_in_a_search_too(api: Api, owner: User, typed_bundle: Bundle) -> None:
    content = {"bundle": str(typed_bundle.id), "search": {"method": "random", "run": 3, "space": {"lr": {}}}}
    answer = api(owner).post("/api/v1/projects/vision/experiments/", content, format="json")
    assert "has the unknown key run; did you mean runs? known are" in answer.json()["detail"]


def test_one_kind_of_code_at_a_time(api: Api, owner: User, project: Project) -> None:
    content = {"example": "digits", "git": {"url": "https://x.example/y"}}
    answer = api(owner).post("/api/v1/projects/vision/bundles/", content, format="json")
    assert (answer.status_code, answer.json()["field"]) == (400, "code")
