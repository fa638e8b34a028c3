"""Who may sign up, and what happens to addresses."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.web.invitations import SESSION_KEY

GRACE = {"username": "grace", "email": "grace@example.org", "password1": "a long enough secret"}
SIGNUP = "/accounts/signup/"


def carry(client: Client, text: str) -> None:
    """As the page of an invitation does for somebody who is not signed in."""
    session = client.session
    session[SESSION_KEY] = text
    session.save()


@pytest.mark.parametrize(("mode", "is_open"), [("open", True), ("invite", False), ("closed", False)])
def test_who_may_sign_up(client: Client, db: None, settings: Any, mode: str, is_open: bool) -> None:
    settings.SIGNUP = mode
    assert ("Create your account" in client.get(SIGNUP).content.decode()) == is_open
    assert (SIGNUP in client.get("/accounts/login/").content.decode()) == is_open
    client.post(SIGNUP, GRACE)
    assert User.objects.exists() == is_open


def test_an_invitation_opens_sign_up_once(client: Client, db: None, settings: Any) -> None:
    invitations = pytest.importorskip("accounts.services.invitations")
    settings.SIGNUP = "invite"
    admin = User.objects.create_superuser("root", "root@example.org", "x")
    invitation, text = invitations.invitation_create(user=admin, project=None)
    carry(client, "inv_nonsense")
    assert "Sign-up is closed" in client.get(SIGNUP).content.decode()
    carry(client, text)
    assert client.post(SIGNUP, GRACE)["Location"] == "/"
    invitation.refresh_from_db()
    assert (invitation.uses, invitation.accepted_by.username) == (1, "grace")
    another = Client()
    carry(another, text)
    assert "Sign-up is closed" in another.get(SIGNUP).content.decode()


def test_an_invitation_leads_into_its_project(
    client: Client, project: Any, owner: User, settings: Any
) -> None:
    invitations = pytest.importorskip("accounts.services.invitations")
    settings.SIGNUP = "invite"
    _, text = invitations.invitation_create(user=owner, project=project, role="editor")
    carry(client, text)
    assert client.post(f"{SIGNUP}?next=/invitations/{text}/", GRACE)["Location"] == "/p/vision/"
    assert User.objects.get(username="grace").memberships.get(project=project).role == "editor"


def test_a_closed_portal_is_closed_to_the_invited_too(client: Client, db: None, settings: Any) -> None:
    invitations = pytest.importorskip("accounts.services.invitations")
    settings.SIGNUP = "closed"
    admin = User.objects.create_superuser("root", "root@example.org", "x")
    _, text = invitations.invitation_create(user=admin, project=None)
    carry(client, text)
    assert "Sign-up is closed" in client.get(SIGNUP).content.decode()


def test_an_address_is_confirmed_first_where_that_is_mandatory(
    client: Client, db: None, settings: Any
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    assert client.post(SIGNUP, GRACE)["Location"] == "/accounts/confirm-email/"
    assert "on its way" in client.get("/accounts/confirm-email/").content.decode()
    assert client.get("/profile/").status_code == 302
    link = next(word for word in mail.outbox[0].body.split() if "/confirm-email/" in word)
    assert "grace@example.org" in client.get(link).content.decode()
    assert client.post(link).status_code == 302
    assert EmailAddress.objects.get().verified
    assert AuditEvent.objects.get(verb="email.confirm").detail["email"] == "grace@example.org"
    client = Client()
    client.post("/accounts/login/", {"login": "grace", "password": GRACE["password1"]})
    assert client.get("/profile/").status_code == 200


def test_elsewhere_the_mail_comes_and_nobody_waits(client: Client, db: None, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    assert client.post(SIGNUP, GRACE)["Location"] == "/"
    assert "/confirm-email/" in mail.outbox[0].body


def test_a_taken_address_is_not_told_where_addresses_are_confirmed(
    client: Client, owner: User, settings: Any
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    answer = client.post(SIGNUP, {**GRACE, "email": owner.email})
    assert answer["Location"] == "/accounts/confirm-email/"
    assert [sent.to for sent in mail.outbox] == [[owner.email]]
    assert not User.objects.filter(username="grace").exists()


def test_whoever_finds_an_open_browser_cannot_change_the_address(client: Client, owner: User) -> None:
    client.force_login(owner)
    answer = client.post("/accounts/email/", {"action_add": "", "email": "mine@example.net"})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not EmailAddress.objects.filter(email="mine@example.net").exists()


def test_wrong_passwords_are_written_down_without_what_was_typed(client: Client, owner: User) -> None:
    client.post("/accounts/login/", {"login": "olivia", "password": "wrong"}, REMOTE_ADDR="192.0.2.9")
    client.post("/accounts/login/", {"login": "my password", "password": "olivia"}, REMOTE_ADDR="192.0.2.9")
    rows = AuditEvent.objects.filter(verb="sign_in.failed").order_by("pk")
    assert [(row.target, row.address, row.actor) for row in rows] == [
        ("olivia", "192.0.2.9", None),
        ("an unknown name", "192.0.2.9", None),
    ]


def test_wrong_passwords_lock_for_a_while(client: Client, owner: User) -> None:
    page = ""
    for _ in range(6):
        page = client.post("/accounts/login/", {"login": "olivia", "password": "wrong"}).content.decode()
    assert "Too many failed login attempts" in page


@pytest.mark.parametrize(("proxies", "address"), [(0, "10.0.0.1"), (1, "198.51.100.7")])
def test_headers_of_proxies_count_only_where_there_are_proxies(
    owner: User, settings: Any, proxies: int, address: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    client = Client(REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "203.0.113.1, 198.51.100.7"})
    client.post("/accounts/login/", {"login": "olivia", "password": "wrong"})
    assert AuditEvent.objects.get(verb="sign_in.failed").address == address
