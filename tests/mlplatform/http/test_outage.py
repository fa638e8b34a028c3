import logging
from collections.abc import Iterator
from unittest import mock

import pytest
from django.db import InterfaceError, OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client

from accounts.models import User
from experiments.models import Experiment
from runners.models import Allocation
from runners.services.tokens import allocation_token

REFUSED = "connection failed: Connection refused\n\tIs the server running on that host?"


@pytest.fixture
def client(owner: User) -> Client:
    """Signed in before the outage."""
    made = Client(raise_request_exception=False)
    made.force_login(owner)
    return made


@pytest.fixture(params=[OperationalError, InterfaceError])
def outage(client: Client, experiment: Experiment, request: pytest.FixtureRequest) -> Iterator[None]:
    with mock.patch.object(CursorWrapper, "execute", side_effect=request.param(REFUSED)):
        yield


@pytest.mark.usefixtures("outage")
@pytest.mark.parametrize("path", ["/", "/p/vision/", "/accounts/login/", "/admin/", "/healthz"])
def test_pages_say_so_and_the_log_has_one_line(
    client: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "The database does not answer right now" in answer.content.decode()
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.exc_info is None
    assert record.getMessage() == f"Service Unavailable: {path} (connection failed: Connection refused)"


@pytest.mark.usefixtures("outage")
def test_a_fragment_becomes_a_toast(client: Client) -> None:
    answer = client.get("/p/vision/", headers={"HX-Request": "true"})
    assert answer.status_code == 503
    assert 'hx-target="#toasts"' in answer.content.decode()


@pytest.mark.usefixtures("outage")
def test_the_api_answers_with_a_problem(client: Client) -> None:
    for path in ("/api/v1/projects/", "/api/v1/projects/vision/experiments/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer["Content-Type"] == "application/problem+json"
        assert (answer.json()["code"], answer.json()["status"]) == ("unavailable", 503)


def test_jobs_hear_that_they_may_try_again(client: Client, allocation: Allocation) -> None:
    """Any 5xx is an outage to the harness, see tests/runners/harness/test_client.py."""
    token = allocation_token(allocation)
    with mock.patch.object(CursorWrapper, "execute", side_effect=OperationalError(REFUSED)):
        answer = client.post(
            "/harness/v1/leases",
            {"group": "g"},
            "application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (503, "5", "unavailable")


def test_other_errors_keep_their_traceback(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with mock.patch.object(CursorWrapper, "execute", side_effect=ValueError("a bug")):
        answer = client.get("/")
    assert answer.status_code == 500
    assert "Retry-After" not in answer
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.exc_info
