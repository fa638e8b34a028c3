from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from experiments.models import Experiment, Run
from tests.experiments.conftest import Finish, complete
from tests.fakes.tracking_store import FakeTrackingStore


@pytest.fixture
def over(experiment: Experiment, finish: Finish, tracker: FakeTrackingStore) -> Experiment:
    for number in experiment.runs.values_list("number", flat=True):
        finish(number)
    complete(experiment)
    return experiment


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_an_experiment_asks_first(client: Client, owner: User, over: Experiment) -> None:
    client.force_login(owner)
    place = over.get_absolute_url()
    asked = text(client.get(f"{place}delete/"))
    assert "<b>2 runs</b>" in asked
    assert "<b>4 checkpoints</b>" in asked
    assert Experiment.objects.exists()
    answer = client.post(f"{place}delete/", follow=True)
    assert answer.redirect_chain[-1][0] == over.project.get_absolute_url()
    assert "Deleted" in text(answer)
    assert client.get(place).status_code == 404
    assert f"Experiment {over.name}" in text(client.get("/p/vision/usage/"))


def test_an_open_one_says_what_to_do(client: Client, owner: User, experiment: Experiment) -> None:
    client.force_login(owner)
    for method in (client.get, client.post):
        assert "cancel it first" in text(method(f"{experiment.get_absolute_url()}delete/", follow=True))
    run = experiment.runs.get(number=1)
    assert "cancel it first" in text(client.post(f"{run.get_absolute_url()}delete/", follow=True))


def test_selected_runs(client: Client, owner: User, over: Experiment) -> None:
    client.force_login(owner)
    place = over.get_absolute_url()
    asked = client.post(f"{place}runs/?sort=-number", {"action": "delete", "run": ["2"]})
    assert f'action="{place}runs/?sort=-number"' in text(asked)
    assert over.runs.count() == 2
    sent = client.post(f"{place}runs/?sort=-number", {"action": "delete-confirmed", "run": ["2"]})
    assert sent["Location"] == f"{place}?sort=-number"
    assert list(over.runs.values_list("number", flat=True)) == [1]


def test_one_run(client: Client, owner: User, over: Experiment) -> None:
    client.force_login(owner)
    run = over.runs.get(number=1)
    assert "Delete run #1?" in text(client.get(f"{run.get_absolute_url()}delete/"))
    assert client.post(f"{run.get_absolute_url()}delete/")["Location"] == over.get_absolute_url()
    assert not Run.objects.filter(pk=run.pk).exists()


def test_who_may(client: Client, viewer: User, stranger: User, over: Experiment) -> None:
    run = over.runs.get(number=1)
    for person, status in ((viewer, 403), (stranger, 404)):
        client.force_login(person)
        for place in (over, run):
            assert client.get(f"{place.get_absolute_url()}delete/").status_code == status
            assert client.post(f"{place.get_absolute_url()}delete/").status_code == status
