from collections.abc import Callable

from rest_framework.test import APIClient

from accounts.models import Project, User
from experiments.models import Experiment
from experiments.services.control import experiment_cancel
from tests.experiments.conftest import Wait, purge_all
from tests.fakes.tracking_store import FakeTrackingStore

Api = Callable[..., APIClient]
HERE = "/api/v1/projects/vision"


def test_archiving(api: Api, owner: User, experiment: Experiment) -> None:
    client = api(owner)
    refused = client.post(f"{HERE}/archive/")
    assert refused.status_code == 409
    assert refused.json()["experiments"] == ["sweep"]
    experiment_cancel(user=owner, experiment=experiment)
    assert client.post(f"{HERE}/archive/").json()["archived_at"]
    assert client.get("/api/v1/projects/").json() == []
    assert [row["slug"] for row in client.get("/api/v1/projects/?archived=1").json()] == ["vision"]
    added = client.post(f"/api/v1/experiments/{experiment.pk}/runs/", {"runs": [{"lr": 0.1}]}, format="json")
    assert added.status_code == 409
    assert client.post(f"{HERE}/unarchive/").json()["archived_at"] is None


def test_deleting(
    api: Api, owner: User, experiment: Experiment, tracker: FakeTrackingStore, wait: Wait
) -> None:
    client = api(owner)
    contents = client.get(f"{HERE}/delete/").json()
    assert (contents["experiments"], contents["runs"], contents["open"]) == (1, 2, ["sweep"])
    assert contents["total"] == contents["stored"] > 0
    wrong = client.post(f"{HERE}/delete/", {"confirmation": "x"}, format="json")
    assert (wrong.status_code, wrong.json()["field"]) == (400, "confirmation")
    begun = client.post(f"{HERE}/delete/", {"confirmation": "vision"}, format="json")
    assert begun.status_code == 202
    assert client.get(f"{HERE}/").status_code == 404
    assert client.get(f"/api/v1/experiments/{experiment.pk}/").status_code == 404
    purge_all(wait)
    told = client.get(f"/api/v1/projects/deleted/{begun.json()['id']}/").json()
    assert told["finished_at"]
    assert told["freed_bytes"] == contents["total"]


def test_only_owners(api: Api, project: Project, viewer: User, stranger: User) -> None:
    for user, status in ((viewer, 403), (stranger, 404)):
        client = api(user)
        assert client.post(f"{HERE}/archive/").status_code == status
        assert client.post(f"{HERE}/unarchive/").status_code == status
        assert client.get(f"{HERE}/delete/").status_code == status
        assert client.post(f"{HERE}/delete/", {"confirmation": "vision"}, format="json").status_code == status
    assert api(viewer).get("/api/v1/projects/deleted/1/").status_code == 404
