"""How often one caller may call."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as ValkeyAway
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.tokens import token_create

Api = Callable[..., APIClient]


@pytest.fixture(autouse=True)
def limit(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_RATE = 3
    # In the middle of a minute, which does not end before the test does.
    monkeypatch.setattr("accounts.api.limits.time.time", lambda: 1_000_000_030.0)


def bearing(owner: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_create(user=owner, name='ci')[1]}")
    return client


def codes(client: APIClient, count: int) -> list[int]:
    return [client.get("/api/v1/me/").status_code for _ in range(count)]


def test_each_token_has_a_limit_of_its_own(owner: User) -> None:
    one, another = bearing(owner), bearing(owner)
    assert codes(one, 4) == [200, 200, 200, 429]
    assert codes(another, 1) == [200]


def test_it_says_when_to_come_again(owner: User) -> None:
    client = bearing(owner)
    codes(client, 3)
    answer = client.get("/api/v1/me/")
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert 1 <= int(answer["Retry-After"]) <= 61


def test_a_browser_is_counted_by_its_person(api: Api, owner: User, stranger: User) -> None:
    assert codes(api(owner), 4)[-1] == 429
    assert codes(api(stranger), 1) == [200]


def test_no_limit(settings: Any, owner: User) -> None:
    settings.API_RATE = 0
    assert codes(bearing(owner), 8) == [200] * 8


def test_nobody_waits_for_a_valkey_that_is_away(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **options: Any) -> None:
        raise ValkeyAway("no such socket")

    monkeypatch.setattr(type(cache._connections[cache._alias]), "incr", away)  # type: ignore[attr-defined]
    assert codes(bearing(owner), 5) == [200] * 5
