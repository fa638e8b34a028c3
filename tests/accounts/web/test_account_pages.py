"""allauth's pages in our look: all that can be reached render, and say what is wrong."""

import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.fixtures import PASSWORD


@pytest.mark.parametrize("path", ["login", "signup", "password/reset", "password/reset/done", "inactive"])
def test_entrance(client: Client, db: None, path: str) -> None:
    response = client.get(f"/accounts/{path}/")
    assert response.status_code == 200
    assert "page-center" in response.content.decode()


@pytest.mark.parametrize("path", ["email", "password/change", "logout", "reauthenticate"])
def test_own_account(client: Client, owner: User, path: str) -> None:
    client.force_login(owner)
    response = client.get(f"/accounts/{path}/")
    assert response.status_code == 200
    assert 'class="card card-md"' in response.content.decode()


def test_wrong_password_is_said_in_the_form(client: Client, owner: User) -> None:
    response = client.post("/accounts/login/", {"login": owner.username, "password": "wrong"})
    page = response.content.decode()
    assert response.status_code == 200
    assert 'role="alert"' in page
    assert "not correct" in page
    assert owner.username in page


@pytest.mark.parametrize("field", ["username", "email"])
def test_sign_in_and_out(client: Client, owner: User, field: str) -> None:
    signed_in = client.post("/accounts/login/", {"login": getattr(owner, field), "password": PASSWORD})
    assert signed_in["Location"] == "/"
    assert client.post("/accounts/logout/")["Location"] == "/"
    assert client.get("/")["Location"].startswith("/accounts/login/")


def test_sign_up_leads_home(client: Client, db: None) -> None:
    given = {"username": "grace", "email": "grace@example.org", "password1": "a long enough secret"}
    response = client.post("/accounts/signup/", given, follow=True)
    assert response.redirect_chain[-1][0] == "/"
    # Where their first experiment goes.
    page = response.content.decode()
    assert "Its code goes into grace’s project." in page
    assert "Create a project" in page


def test_sign_up_says_what_is_wrong(client: Client, owner: User) -> None:
    given = {"username": owner.username, "email": "not an address", "password1": "short"}
    page = client.post("/accounts/signup/", given).content.decode()
    assert "already exists" in page
    assert "valid email address" in page
    assert "at least 10 characters" in page


def test_sign_in_leads_on(client: Client, db: None, settings: object) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert 'href="/accounts/password/reset/"' in page
    assert 'href="/accounts/signup/"' in page
    settings.SIGNUP = "closed"  # type: ignore[attr-defined]  # pytest-django's wrapper
    page = client.get("/accounts/login/").content.decode()
    assert 'href="/accounts/password/reset/"' in page
    assert "/accounts/signup/" not in page


def test_sign_up_can_be_closed(client: Client, db: None, settings: object) -> None:
    settings.SIGNUP = "closed"  # type: ignore[attr-defined]  # pytest-django's wrapper
    assert "closed" in client.get("/accounts/signup/").content.decode().lower()


def test_forgotten_password_is_set_by_mail(client: Client, owner: User) -> None:
    client.post("/accounts/password/reset/", {"email": owner.email})
    link = next(word for word in mail.outbox[0].body.split() if "/password/reset/key/" in word)
    form = client.get(link, follow=True)
    path = form.redirect_chain[-1][0]
    secret = "an even longer secret"
    client.post(path, {"password1": secret, "password2": secret})
    assert client.post("/accounts/login/", {"login": owner.username, "password": secret})["Location"] == "/"
    assert "invalid" in client.get(link, follow=True).content.decode().lower()
