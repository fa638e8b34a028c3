"""What counts as an answer, and what as an absence."""

import pytest

from runners.harness.client import PortalAwayError, PortalClient
from tests.runners.harness.fake_portal import TOKEN


def test_json_goes_both_ways(portal, client):
    portal.intercept = lambda path, body: (200, {"path": path, "body": body})
    reply = client.post("/leases", {"a": [1, "ä"]})
    assert reply.ok
    assert reply.body == {"path": "/leases", "body": {"a": [1, "ä"]}}


def test_the_connection_is_kept_alive(portal, client):
    portal.intercept = lambda path, body: (200, {})
    for _ in range(5):
        client.post("/leases", {})
    assert portal.connections == 1


def test_a_connection_that_the_server_closed_is_replaced_without_notice(portal, client):
    portal.intercept = lambda path, body: (200, {})
    client.post("/leases", {})
    portal.stop()
    portal.start()
    assert client.post("/leases", {}).ok


def test_nobody_listening_is_away(portal):
    portal.stop()
    with pytest.raises(PortalAwayError):
        PortalClient(portal.url, TOKEN).post("/leases", {})
    portal.start()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_answers_worth_a_retry_are_away(portal, client, status):
    portal.intercept = lambda path, body: (status, {})
    with pytest.raises(PortalAwayError, match=str(status)) as caught:
        client.post("/leases", {})
    assert caught.value.wait_s == (1.0 if status == 429 else 0.0)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_dead_token_is_an_answer(portal, client, status):
    portal.intercept = lambda path, body: (status, {"detail": "no"})
    reply = client.post("/leases", {})
    assert reply.token_dead
    assert not reply.ok
    assert reply.describe() == f"{status} no"


def test_a_wrong_token_is_refused(portal):
    assert PortalClient(portal.url, "guess").post("/leases", {}).token_dead


@pytest.mark.parametrize("url", ["ftp://host/x", "127.0.0.1:8000", ""])
def test_other_urls_are_named(url):
    with pytest.raises(ValueError, match="http"):
        PortalClient(url, TOKEN)
