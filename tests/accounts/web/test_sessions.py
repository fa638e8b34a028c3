"""Where one is signed in, and ending it from afar."""

from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import caches
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, User
from accounts.selectors.sessions import browser_name
from tests.fixtures import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0"
)


def browser(user: User, agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    return client


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    told: list[Any] = []
    monkeypatch.setattr("accounts.services.access.publish", lambda groups, message: told.append(groups))
    return told


def test_the_page_lists_browsers_and_addresses(owner: User) -> None:
    here = browser(owner)
    browser(owner, IPHONE, "192.0.2.7")
    page = here.get("/accounts/sessions/").content.decode()
    assert page.index("Firefox 140 on Linux") < page.index("Safari 18 on iPhone")
    assert page.count("This one") == 1
    assert "192.0.2.7" in page


def test_one_of_them_is_ended(owner: User, stranger: User, published: list[Any]) -> None:
    here, there, other = browser(owner), browser(owner, IPHONE), browser(stranger)
    ended = UserSession.objects.get(user=owner, user_agent=IPHONE)
    path = f"/accounts/sessions/{ended.pk}/end/"
    assert other.post(path).status_code == 404
    assert there.get("/profile/").status_code == 200
    published.clear()
    assert here.post(path)["Location"] == "/accounts/sessions/"
    assert published == [["access"]]
    assert there.get("/profile/").status_code == 302
    assert here.get("/profile/").status_code == 200
    assert AuditEvent.objects.get(verb="session.end").address == "192.0.2.1"


def test_this_one_can_be_ended_too(owner: User) -> None:
    here = browser(owner)
    session = UserSession.objects.get(user=owner)
    assert here.post(f"/accounts/sessions/{session.pk}/end/")["Location"] == "/accounts/login/"
    assert here.get("/profile/").status_code == 302


def test_everywhere_else(owner: User, stranger: User) -> None:
    here, *elsewhere = (browser(owner) for _ in range(3))
    other = browser(stranger)
    here.post("/accounts/sessions/end-others/")
    assert [client.get("/profile/").status_code for client in (here, *elsewhere, other)] == [
        200,
        302,
        302,
        200,
    ]


def test_a_new_password_ends_the_others(owner: User) -> None:
    here, there = browser(owner), browser(owner)
    new = "an even longer secret"
    given = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/accounts/password/change/", given).status_code == 302
    assert there.get("/profile/").status_code == 302
    assert here.get("/profile/").status_code == 200
    assert AuditEvent.objects.filter(verb="password.change", actor=owner).count() == 1


def test_use_is_noted_now_and_then(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    here = browser(owner)
    UserSession.objects.update(ip="198.51.100.1")
    caches["process"].clear()
    here.get("/accounts/sessions/")
    assert UserSession.objects.get().ip == "192.0.2.1"
    UserSession.objects.update(ip="198.51.100.1")
    here.get("/accounts/sessions/")
    assert UserSession.objects.get().ip == "198.51.100.1"


def test_the_list_costs_the_same_for_many(owner: User, django_assert_max_num_queries: Any) -> None:
    here = browser(owner)
    for number in range(5):
        browser(owner, IPHONE, f"192.0.2.{number}")
    with django_assert_max_num_queries(4):
        here.get("/accounts/sessions/")


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox 140 on Linux"),
        (IPHONE, "Safari 18 on iPhone"),
        (EDGE, "Edge 138 on Windows"),
        ("curl/8.5", "curl/8.5"),
        ("", "An unnamed program"),
    ],
)
def test_browsers_are_named_as_people_do(agent: str, name: str) -> None:
    assert browser_name(agent) == name
