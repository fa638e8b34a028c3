"""Every POST that makes something of an experiment, twice."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.models import Project, User
from experiments.models import Bundle, Experiment, Run, RunView
from tests.experiments.conftest import Finish
from tests.fixtures import CODE

Api = Callable[..., APIClient]


def twice(client: APIClient, path: str, content: Any, format: str = "json") -> list[Any]:
    answers = []
    for _ in range(2):
        given = content() if callable(content) else content
        headers = {"Idempotency-Key": "k1"}
        answers.append(client.post(f"/api/v1/{path}", given, format=format, headers=headers))
    assert answers[0].status_code == 201, answers[0].json()
    assert answers[0].content == answers[1].content
    return answers


def test_experiments_and_runs(api: Api, owner: User, project: Project, bundle: Bundle) -> None:
    client = api(owner)
    made, _ = twice(
        client, "projects/vision/experiments/", {"bundle": str(bundle.id), "runs": [{"lr": 1}] * 2}
    )
    experiment = Experiment.objects.get()
    assert made.json()["id"] == str(experiment.id)
    assert experiment.runs.count() == 2


def test_added_runs(api: Api, owner: User, experiment: Experiment) -> None:
    made, _ = twice(api(owner), f"experiments/{experiment.id}/runs/", {"runs": [{"lr": 1}, {"lr": 2}]})
    assert [run["number"] for run in made.json()] == [3, 4]
    assert experiment.runs.count() == 4


def test_views(api: Api, owner: User, project: Project) -> None:
    twice(api(owner), "projects/vision/views/", {"name": "failed", "where": "state = failed"})
    assert RunView.objects.get().project == project


def test_clones(api: Api, owner: User, experiment: Experiment) -> None:
    twice(api(owner), f"experiments/{experiment.id}/clone/", {"name": "again"})
    assert Experiment.objects.count() == 2


@pytest.mark.parametrize(
    ("verb", "content"), [("fork", {"params": {"epochs": 9}}), ("continue", {"more": 2})]
)
def test_forks_and_continued_runs(
    *, api: Api, owner: User, experiment: Experiment, finish: Finish, verb: str, content: dict[str, Any]
) -> None:
    run = finish(1)
    twice(api(owner), f"runs/{run.id}/{verb}/", content)
    assert Run.objects.filter(parent=run).count() == 1


def test_uploads(api: Api, owner: User, project: Project) -> None:
    twice(
        api(owner),
        "projects/vision/bundles/",
        lambda: {"file": SimpleUploadedFile("train.py", CODE)},
        format="multipart",
    )
    answer = api(owner).post(
        "/api/v1/projects/vision/bundles/",
        {"file": SimpleUploadedFile("train.py", CODE + b"\n")},
        format="multipart",
        headers={"Idempotency-Key": "k1"},
    )
    assert answer.status_code == 409


def test_git_is_fetched_once(
    api: Api, owner: User, project: Project, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []

    def fetch(**given: Any) -> Bundle:
        fetched.append(given["url"])
        return bundle

    monkeypatch.setattr("experiments.api.bundles.bundle_from_git", fetch)
    twice(api(owner), "projects/vision/bundles/", {"git": {"url": "https://git.example/code"}})
    assert len(fetched) == 1
