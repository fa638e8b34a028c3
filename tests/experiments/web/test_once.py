"""A double click on the buttons that make experiments and runs."""

from typing import Any

from django.test import Client

from accounts.models import User
from experiments.models import Bundle, Experiment
from tests.accounts.web.test_once import nonce
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser
from tests.experiments.web.test_launch import SETTINGS


def twice(client: Client, path: str, fields: dict[str, Any]) -> str:
    given = fields | {"csrfmiddlewaretoken": nonce(client, path)}
    first, second = (client.post(path, given)["Location"] for _ in range(2))
    assert first == second
    return first


def test_launch(browser: Browser, owner: User, bundle: Bundle) -> None:
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    given = SETTINGS | {"p-lr": "1", "csrfmiddlewaretoken": nonce(client, path)}
    assert client.post(path, given | {"preview": "1"}).status_code == 200
    assert not Experiment.objects.exists()
    place = twice(client, path, SETTINGS | {"p-lr": "1"})
    assert place == Experiment.objects.get().get_absolute_url()


def test_add_runs_fork_and_train_further(
    browser: Browser, owner: User, experiment: Experiment, place: str, finish: Finish
) -> None:
    client = browser(owner)
    finish(1)
    twice(client, f"{place}add/", {"p-lr": "0.3, 0.4"})
    assert experiment.runs.count() == 4
    checkpoint = experiment.runs.get(number=1).checkpoints.get(step=2)
    forked = twice(client, f"{place}r/1/fork/", {"checkpoint": checkpoint.pk, "p-lr": "0.5", "p-epochs": "9"})
    assert forked == f"{place}r/5/"
    assert twice(client, f"{place}r/1/continue/", {"more": "3"}) == f"{place}r/6/"
    assert experiment.runs.count() == 6
