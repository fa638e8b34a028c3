from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.models import Project, User
from experiments.models import Bundle, Experiment, ModelVersion
from tests.fixtures import CODE

Api = Callable[..., APIClient]
BASE = "/api/v1/projects/vision"


def post(client: APIClient, path: str, content: Any = None) -> Any:
    return client.post(path, content if content is not None else {}, format="json")


def test_examples_are_listed_with_their_parameters(api: Api, owner: User) -> None:
    names = {e["name"]: e for e in api(owner).get("/api/v1/examples/").json()}
    assert "lr" in [p["name"] for p in names["digits"]["manifest"]["parameters"]]


def test_code_is_uploaded_and_launched(api: Api, owner: User, project: Project) -> None:
    client = api(owner)
    answer = client.post(
        f"{BASE}/bundles/", {"file": SimpleUploadedFile("train.py", CODE)}, format="multipart"
    )
    assert answer.status_code == 201
    made = post(
        client, f"{BASE}/experiments/", {"bundle": answer.json()["id"], "name": "mine", "runs": [{"lr": 1}]}
    )
    assert made.status_code == 201
    assert made.json()["url"].endswith("/p/vision/e/mine/")
    assert client.get(f"{BASE}/experiments/").json()[0]["id"] == made.json()["id"]
    runs = client.get(f"/api/v1/experiments/{made.json()['id']}/runs/").json()
    assert [(r["number"], r["state"], r["params"]) for r in runs] == [(1, "queued", {"lr": 1, "epochs": 3})]


def test_an_example_is_launched_in_one_call_with_its_own_defaults(
    api: Api, owner: User, project: Project
) -> None:
    made = post(api(owner), f"{BASE}/experiments/", {"example": "digits", "runs": [{"lr": 0.01}]})
    assert made.status_code == 201
    assert made.json()["objective"] == {"metric": "accuracy", "direction": "maximize"}
    assert made.json()["resources"]["workers"] == 2


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"runs": [{}]}, "bundle"),
        ({"example": "digits", "bundle": "0" * 32, "runs": [{}]}, "bundle"),
        ({"bundle": "0" * 32, "runs": [{}]}, "bundle"),
        ({"example": "digits", "runs": [{"lr": 1000}]}, "lr"),
        ({"example": "digits", "runs": [{"speed": 1}]}, "speed"),
        ({"example": "digits", "runs": [{}], "entrypoint": "train:fit"}, "entrypoint"),
        ({"example": "digits", "runs": [{}], "workers": 1000}, "workers"),
    ],
)
def test_bad_input_is_a_problem_that_names_the_field(
    api: Api, owner: User, project: Project, content: dict[str, Any], field: str
) -> None:
    answer = post(api(owner), f"{BASE}/experiments/", content)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert not Experiment.objects.exists()


@pytest.mark.parametrize(
    "content",
    [{}, {"example": "digits"}, {"example": "digits", "runs": []}, {"runs": ["x"], "example": "digits"}, []],
)
def test_a_body_of_the_wrong_shape_is_400(api: Api, owner: User, project: Project, content: Any) -> None:
    assert post(api(owner), f"{BASE}/experiments/", content).status_code == 400


def test_experiments_are_listed_newest_first(api: Api, owner: User, project: Project, bundle: Bundle) -> None:
    for name in ("first", "second", "third"):
        post(
            api(owner), f"{BASE}/experiments/", {"bundle": str(bundle.id), "name": name, "runs": [{"lr": 1}]}
        )
    listed = api(owner).get(f"{BASE}/experiments/").json()
    assert [experiment["name"] for experiment in listed] == ["third", "second", "first"]


def test_cancel(api: Api, owner: User, experiment: Experiment) -> None:
    path = f"/api/v1/experiments/{experiment.id}/cancel/"
    assert post(api(owner), path).json()["state"] == "canceled"
    again = post(api(owner), path)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_models_of_a_project(api: Api, owner: User, experiment: Experiment) -> None:
    assert api(owner).get(f"{BASE}/models/?experiment={experiment.id}").json() == []
    assert api(owner).get(f"{BASE}/models/?experiment=x").status_code == 400
    run = experiment.runs.get(number=2)
    ModelVersion.objects.create(
        project=experiment.project, run=run, name="m", version=1, uri="models:/m/1", step=7, objective=0.9
    )
    (version,) = api(owner).get(f"{BASE}/models/?experiment={experiment.id}").json()
    assert (version["run"], version["step"], version["objective"]) == (str(run.id), 7, 0.9)


def test_a_stranger_gets_404_everywhere_and_a_viewer_403_where_it_changes_something(
    api: Api, viewer: User, stranger: User, experiment: Experiment, bundle: Bundle
) -> None:
    run = experiment.runs.get(number=1)
    reads = [
        f"{BASE}/experiments/",
        f"{BASE}/models/",
        f"/api/v1/experiments/{experiment.id}/",
        f"/api/v1/experiments/{experiment.id}/runs/",
        f"/api/v1/runs/{run.id}/",
        f"/api/v1/runs/{run.id}/metrics/",
        f"/api/v1/runs/{run.id}/logs/",
    ]
    writes = [
        (f"{BASE}/bundles/", {"example": "digits"}),
        (f"{BASE}/experiments/", {"bundle": str(bundle.id), "runs": [{"lr": 1}]}),
        (f"/api/v1/experiments/{experiment.id}/runs/", {"runs": [{"lr": 1}]}),
        (f"/api/v1/experiments/{experiment.id}/cancel/", {}),
        (f"/api/v1/runs/{run.id}/cancel/", {}),
        (f"/api/v1/runs/{run.id}/retry/", {}),
    ]
    for path in reads:
        assert (api(viewer).get(path).status_code, api(stranger).get(path).status_code) == (200, 404), path
        assert api().get(path).status_code == 401, path
    for path, content in writes:
        assert (
            post(api(viewer), path, content).status_code,
            post(api(stranger), path, content).status_code,
        ) == (403, 404), path
        assert post(api(), path, content).status_code == 401, path
