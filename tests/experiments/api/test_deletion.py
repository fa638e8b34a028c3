from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from experiments.models import Experiment, Run
from tests.experiments.conftest import Finish, complete
from tests.fakes.tracking_store import FakeTrackingStore

Api = Callable[..., APIClient]


@pytest.fixture
def over(experiment: Experiment, finish: Finish, tracker: FakeTrackingStore) -> Experiment:
    for number in experiment.runs.values_list("number", flat=True):
        finish(number)
    complete(experiment)
    return experiment


def test_delete_runs_and_the_experiment(api: Api, owner: User, over: Experiment) -> None:
    client, place = api(owner), f"/api/v1/experiments/{over.pk}/"
    first = Run.objects.get(experiment=over, number=1)
    answer = client.delete(f"/api/v1/runs/{first.pk}/")
    assert (answer.status_code, answer.json()["runs"]) == (202, 1)
    assert client.get(f"/api/v1/runs/{first.pk}/").status_code == 404
    sent = client.post(f"{place}runs/delete/", {"numbers": [1, 2]}, format="json")
    assert sent.json() == {"changed": [2], "skipped": [1]}
    assert client.delete(place).status_code == 202
    assert client.get(place).status_code == 404
    listed = client.get("/api/v1/projects/vision/deletions/").json()
    assert [row["what"] for row in listed] == [
        f"Experiment {over.name}",
        f"Run 2 of {over.name}",
        f"Run 1 of {over.name}",
    ]


def test_what_is_open_stays(api: Api, owner: User, experiment: Experiment) -> None:
    answer = api(owner).delete(f"/api/v1/experiments/{experiment.pk}/")
    assert (answer.status_code, "cancel it first" in answer.json()["detail"]) == (409, True)
    run = experiment.runs.get(number=1)
    assert api(owner).delete(f"/api/v1/runs/{run.pk}/").status_code == 409


def test_who_may(api: Api, viewer: User, stranger: User, over: Experiment) -> None:
    run = over.runs.get(number=1)
    for path in (f"/api/v1/experiments/{over.pk}/", f"/api/v1/runs/{run.pk}/"):
        assert api(viewer).delete(path).status_code == 403
        assert api(stranger).delete(path).status_code == 404
    assert api(stranger).get("/api/v1/projects/vision/deletions/").status_code == 404


def test_the_definition_as_yaml(api: Api, viewer: User, stranger: User, experiment: Experiment) -> None:
    path = f"/api/v1/experiments/{experiment.pk}/definition.yaml"
    for accepted in ("*/*", "application/yaml"):
        answer = api(viewer).get(path, HTTP_ACCEPT=accepted)
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("application/yaml")
        assert f"name: {experiment.name}" in answer.content.decode()
    refused = api(stranger).get(path, HTTP_ACCEPT="application/yaml")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
