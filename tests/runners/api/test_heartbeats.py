from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from mlplatform.kernel import clock
from runners.models import Lease

Api = Callable[..., APIClient]
HEARTBEATS = "/harness/v1/heartbeats"


@pytest.fixture
def beat(leased: Any) -> dict[str, Any]:
    _, _, lease = leased
    Lease.objects.update(expires_at=clock.now() + timedelta(seconds=1))
    return {"run": lease["id"], "attempt": lease["attempt"], "fence": lease["fence"]}


def test_a_heartbeat_renews_the_lease(api: Api, leased: Any, beat: dict[str, Any], settings: Any) -> None:
    assert api(leased[0]).post(HEARTBEATS, beat, format="json").status_code == 200
    left = Lease.objects.get().expires_at - clock.now()
    assert settings.LEASE_SECONDS - 2 < left.total_seconds() <= settings.LEASE_SECONDS


@pytest.mark.parametrize("wrong", [{"attempt": 2}, {"fence": 2**63 - 1}, {"run": "0" * 32}])
def test_a_lease_that_is_not_theirs_is_fenced(
    api: Api, leased: Any, beat: dict[str, Any], wrong: dict[str, Any]
) -> None:
    answer = api(leased[0]).post(HEARTBEATS, beat | wrong, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "fenced")


def test_a_fence_is_as_large_as_the_database_has_them(api: Api, leased: Any, beat: dict[str, Any]) -> None:
    Lease.objects.update(id=2**31 + 7)
    answer = api(leased[0]).post(HEARTBEATS, beat | {"fence": 2**31 + 7}, format="json")
    assert answer.status_code == 200


def test_a_released_lease_does_not_come_back(api: Api, leased: Any, beat: dict[str, Any]) -> None:
    Lease.objects.update(released_at=clock.now(), release_reason="lease_lost")
    assert api(leased[0]).post(HEARTBEATS, beat, format="json").status_code == 409


@pytest.mark.parametrize(
    "wrong", [{"run": 7}, {"attempt": "1"}, {"fence": True}, {"fence": 2**63}, {"run": None}]
)
def test_malformed_ones(api: Api, leased: Any, beat: dict[str, Any], wrong: dict[str, Any]) -> None:
    client = api(leased[0])
    assert client.post(HEARTBEATS, beat | wrong, format="json").status_code == 400
    assert client.post(HEARTBEATS, b"[]", content_type="application/json").status_code == 400


def test_only_with_a_token(api: Api, owner: User, beat: dict[str, Any]) -> None:
    for client in (api(), api(owner)):
        assert client.post(HEARTBEATS, beat, format="json").status_code == 401
