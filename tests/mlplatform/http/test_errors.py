import threading
from typing import Any
from unittest import mock

import pytest
from django.test import Client

from accounts.models import User
from experiments.models import Experiment
from mlplatform.http import downloads
from mlplatform.kernel.errors import Busy, Unavailable


@pytest.fixture
def client(owner: User) -> Client:
    made = Client()
    made.force_login(owner)
    return made


def test_who_calls_the_harness_when_it_is_full_hears_when_to_come_again(client: Client) -> None:
    with mock.patch.object(threading.BoundedSemaphore, "acquire", return_value=False):
        answer = client.post("/harness/v1/runs/00000000-0000-0000-0000-000000000000/batches")
    assert (answer.status_code, answer["Retry-After"]) == (429, "1")
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["status"]) == ("busy", 429)


def test_a_file_too_many(client: Client, experiment: Experiment) -> None:
    for path in (
        f"/api/v1/experiments/{experiment.pk}/points.csv",
        f"{experiment.get_absolute_url()}r/1/log/",
    ):
        with mock.patch.object(downloads, "_room") as room:
            room.acquire.return_value = False
            answer = client.get(path)
        assert (answer.status_code, answer["Retry-After"]) == (429, str(Busy.retry_after))


def test_what_takes_too_long_now(client: Client, experiment: Experiment) -> None:
    def away(experiment: Experiment) -> Any:
        raise Unavailable("not now")

    with mock.patch("experiments.api.analysis.parameter_importance", away):
        answer = client.get(f"/api/v1/experiments/{experiment.pk}/importance/")
    assert (answer.status_code, answer["Retry-After"]) == (503, str(Unavailable.retry_after))
