"""Second factors through the pages, with real codes."""

import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ApiToken, AuditEvent, User
from tests.fixtures import PASSWORD

Api = Callable[..., APIClient]
PERIOD_S = 30
NOW = time.time()


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """No code gets old while a test uses it."""
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.time", SimpleNamespace(time=lambda: NOW))


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(NOW) // PERIOD_S)))


def sign_in(client: Client, user: User) -> Any:
    return client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})


def confirm(client: Client) -> None:
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


@pytest.fixture
def client_in(owner: User) -> Client:
    client = Client()
    sign_in(client, owner)
    confirm(client)
    return client


@pytest.fixture
def secret(client_in: Client) -> str:
    """The secret of an authenticator app, which is on now. The code that turned it on is not used up."""
    page = client_in.get("/accounts/2fa/totp/activate/").content.decode()
    found = re.search(r'id="totp-secret">(\w+)<', page)
    assert found
    assert client_in.post("/accounts/2fa/totp/activate/", {"code": code_of(found[1])}).status_code == 302
    return found[1]


def recovery_codes(client: Client) -> list[str]:
    page = client.get("/accounts/2fa/recovery-codes/").content.decode()
    return re.findall(r"^\w{8}$", page.split('id="recovery-codes">')[1].split("</pre>")[0], re.MULTILINE)


def test_the_setup_shows_a_picture_and_the_secret(client_in: Client) -> None:
    page = client_in.get("/accounts/2fa/totp/activate/").content.decode()
    assert 'src="data:image/svg+xml' in page
    assert client_in.post("/accounts/2fa/totp/activate/", {"code": "000000"}).status_code == 200
    assert not Authenticator.objects.exists()


def test_to_change_factors_one_proves_who_one_is(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "reauthenticate" in client.get("/accounts/2fa/totp/activate/")["Location"]


@pytest.mark.django_db(transaction=True)  # allauth tells when the transaction has ended
def test_a_password_is_not_enough_any_more(secret: str, owner: User) -> None:
    client = Client()
    assert sign_in(client, owner)["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/profile/")["Location"].startswith("/accounts/login/")
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert "Incorrect code" in wrong
    assert client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})["Location"] == "/"
    assert client.get("/profile/").status_code == 200
    verbs = AuditEvent.objects.values_list("verb", flat=True)
    assert "second_factor.add" in verbs
    assert "second_factor.failed" in verbs
    assert mail.outbox[0].subject == "[mlplatform] Authenticator App Activated"
    assert AuditEvent.objects.filter(verb="sign_in", address="127.0.0.1").count() == 2


def test_a_code_opens_once(secret: str, owner: User) -> None:
    code = code_of(secret)
    first, second = Client(), Client()
    sign_in(first, owner)
    sign_in(second, owner)
    assert first.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
    assert second.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 200


def test_a_recovery_code_opens_once(client_in: Client, secret: str, owner: User) -> None:
    codes = recovery_codes(client_in)
    assert len(codes) == 10
    for expected in (302, 200):
        client = Client()
        sign_in(client, owner)
        assert client.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == expected
    assert len(recovery_codes(client_in)) == 9
    made = client_in.post("/accounts/2fa/recovery-codes/generate/")
    assert made.status_code == 302
    assert set(recovery_codes(client_in)) & set(codes) == set()


def test_codes_cannot_be_guessed(secret: str, owner: User) -> None:
    client = Client()
    sign_in(client, owner)
    page = ""
    for _ in range(6):
        page = client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert "Too many" in page
    assert client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)}).status_code == 200


def test_secrets_are_not_readable_in_the_database(secret: str, settings: Any) -> None:
    totp = Authenticator.objects.get(type="totp")
    assert secret not in str(totp.data)
    assert totp.wrap().validate_code(code_of(secret))
    cache.clear()
    settings.SECRET_KEY = "another"
    assert not totp.wrap().validate_code(code_of(secret))


def test_removing_the_last_factor_removes_the_codes(client_in: Client, secret: str) -> None:
    assert client_in.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert not Authenticator.objects.exists()
    assert AuditEvent.objects.filter(verb="second_factor.remove").count() == 2


def test_rest_asks_for_the_second_factor_too(api: Api, client_in: Client, secret: str) -> None:
    given = {"username": "olivia", "password": PASSWORD}

    def post(**more: str) -> Any:
        return api().post("/api/v1/auth/tokens/", {**given, **more}, format="json")

    refused = post()
    assert refused.status_code == 401
    assert refused.json()["code"] == "second_factor_required"
    assert "page API tokens" in refused.json()["detail"]
    assert post(code="000000").status_code == 401
    assert post(password="wrong", code=code_of(secret)).json()["code"] == "unauthenticated"
    assert not ApiToken.objects.exists()
    assert post(code=code_of(secret)).status_code == 201
    assert post(code=recovery_codes(client_in)[0]).status_code == 201
    assert AuditEvent.objects.filter(verb="sign_in", detail__method="api").count() == 2


def test_rest_codes_cannot_be_guessed(api: Api, secret: str) -> None:
    given = {"username": "olivia", "password": PASSWORD, "code": "000000"}
    answers = [api().post("/api/v1/auth/tokens/", given, format="json").status_code for _ in range(7)]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_who_has_only_passkeys_is_sent_to_the_page(api: Api, owner: User) -> None:
    Authenticator.objects.create(user=owner, type="webauthn", data={})
    given = {"username": "olivia", "password": PASSWORD, "code": "123456"}
    assert api().post("/api/v1/auth/tokens/", given, format="json").json()["code"] == "second_factor_required"
