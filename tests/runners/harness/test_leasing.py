"""Asking for work."""

import time

import pytest

from runners.harness.leasing import Leasing, Patience
from runners.harness.protocol import Lease

IMPATIENT = Patience(total_s=0.3, first_retry_s=0.02, max_retry_s=0.05)


def test_the_next_run_comes_with_everything_it_needs(portal, client):
    portal.add(config={"lr": 0.1}, checkpoint={"path": "/runs/x/1-000005", "step": 5}, progress_total=8)
    order = Leasing(client).next_order()
    assert order["order"] == "run"
    lease = Lease.from_json(order["run"])
    assert (lease.attempt, lease.fence, lease.seed) == (1, 1, 101)
    assert (lease.checkpoint_path, lease.first_step) == ("/runs/x/1-000005", 5)
    assert lease.config == {"lr": 0.1}
    assert portal.environments[0]["torch"]


def test_one_group_keeps_its_name(portal, client):
    leasing = Leasing(client)
    leasing.next_order()
    leasing.next_order()
    assert len(portal.groups) == 1


def test_what_the_group_runs_on_is_told_until_it_is_heard(portal, client):
    told = []

    def away_at_first(path, body):
        told.append(sorted(body))
        return (503, {}) if len(told) == 1 else None

    portal.intercept = away_at_first
    leasing = Leasing(client, IMPATIENT)
    leasing.next_order()
    leasing.next_order()
    assert told == [["environment", "group", "packages"]] * 2 + [["group"]]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_dead_token_means_gone(portal, client, status):
    portal.intercept = lambda path, body: (status, {"detail": "revoked"})
    assert Leasing(client).next_order() == {"order": "gone", "detail": f"{status} revoked"}


def test_a_portal_that_stays_away_is_unreachable(portal, client):
    portal.intercept = lambda path, body: (503, {})
    started = time.monotonic()
    assert Leasing(client, IMPATIENT).next_order()["order"] == "unreachable"
    assert time.monotonic() - started < 3


def test_a_portal_that_comes_back_is_waited_for(portal, client):
    calls = []

    def twice_away(path, body):
        calls.append(path)
        return (503, {}) if len(calls) < 3 else None

    portal.intercept = twice_away
    assert Leasing(client, IMPATIENT).next_order() == {"order": "drain"}


def test_wait_is_bounded(client):
    leasing = Leasing(client, Patience(max_wait_s=0.1))
    started = time.monotonic()
    leasing.wait({"order": "wait", "wait_s": 3600})
    assert time.monotonic() - started < 1
