"""Signing in with an identity provider, over HTTP, and what its groups give."""

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from accounts.models import AuditEvent, Membership, Project, Role, User
from accounts.services.projects import project_create
from tests.fixtures import PASSWORD
from tests.servers.oidc import CLIENT_ID, CLIENT_SECRET, Issuer

GRACE = {
    "sub": "8c1f",
    "preferred_username": "grace",
    "email": "grace@example.org",
    "email_verified": True,
    "name": "Grace Hopper",
    "groups": ["/ml/vision", "somebody else"],
}


@pytest.fixture
def issuer(settings: Any) -> Iterator[Issuer]:
    made = Issuer(person=dict(GRACE))
    app = {
        "provider_id": "sso",
        "name": "the company",
        "client_id": CLIENT_ID,
        "secret": CLIENT_SECRET,
        "settings": {"server_url": made.url, "email_authentication": False},
    }
    oidc = {"APPS": [app], "OAUTH_PKCE_ENABLED": True, "SCOPE": ["openid", "profile", "email"]}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": oidc}
    settings.OIDC_GROUPS = (
        ("/ml/vision", "vision", "editor"),
        ("bosses", "", "admin"),
        ("x", "gone", "viewer"),
    )
    with made.running():
        yield made


def go(client: Client, path: str = "/accounts/oidc/sso/login/") -> Any:
    """From the button to the page that the portal shows when the browser is back."""
    leaving = client.post(path)
    assert leaving.status_code == 200
    there = html.unescape(re.search(r'<a class="btn" href="([^"]+)"', leaving.content.decode())[1])  # type: ignore[index]
    back = httpx.get(there, follow_redirects=False, trust_env=False).headers["Location"]
    parts = urlsplit(back)
    return client.get(f"{parts.path}?{parts.query}")


def test_the_button_is_there_when_there_is_a_provider(
    client: Client, issuer: Issuer, settings: Any, db: None
) -> None:
    for path in ("login", "signup"):
        page = client.get(f"/accounts/{path}/?next=/projects/").content.decode()
        assert "the company" in page
        assert 'action="/accounts/oidc/sso/login/?process=login&amp;next=%2Fprojects%2F"' in page
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": []}}
    assert "oidc" not in client.get("/accounts/login/").content.decode()
    assert client.post("/accounts/oidc/sso/login/").status_code == 404


def test_whoever_the_provider_knows_gets_an_account(
    client: Client, project: Project, issuer: Issuer, settings: Any
) -> None:
    settings.SIGNUP = "closed"
    assert go(client, "/accounts/oidc/sso/login/?process=login&next=/projects/")["Location"] == "/projects/"
    assert "Vision" in client.get("/projects/").content.decode()
    grace = User.objects.get(username="grace")
    assert (grace.email, grace.get_full_name()) == ("grace@example.org", "Grace Hopper")
    assert not grace.has_usable_password()
    membership = Membership.objects.get(user=grace, project=project)
    assert (membership.role, membership.source) == (Role.EDITOR, Membership.Source.OIDC)
    assert not grace.is_staff
    assert {"sign_up", "sign_in", "member.add"} <= set(AuditEvent.objects.values_list("verb", flat=True))
    [authorised] = [given for endpoint, given in issuer.asked if endpoint == "authorize"]
    assert authorised["code_challenge_method"] == "S256"
    assert set(authorised["scope"].split()) == {"openid", "profile", "email"}
    page = client.get("/profile/").content.decode()
    assert "Connected accounts" in page
    assert "/accounts/password/set/" in page
    assert "the company" in client.get("/accounts/3rdparty/").content.decode()
    assert client.get("/accounts/password/set/").status_code == 200


def test_memberships_follow_the_groups(
    client: Client, project: Project, issuer: Issuer, settings: Any
) -> None:
    go(client)
    grace = User.objects.get(username="grace")
    other = project_create(user=project.created_by, name="Speech")
    Membership.objects.create(user=grace, project=other, role=Role.VIEWER)

    settings.OIDC_GROUPS = (("/ml/vision", "vision", "viewer"), ("/ml/vision", "speech", "owner"))
    go(Client())
    roles = {
        held.project.slug: (held.role, held.source) for held in grace.memberships.select_related("project")
    }
    assert roles.items() >= {"vision": ("viewer", "oidc"), "speech": ("viewer", "person")}.items()
    assert AuditEvent.objects.get(verb="member.role").detail["before"] == "editor"

    issuer.person["groups"] = []
    go(Client())
    left = {held.project.slug for held in grace.memberships.select_related("project")}
    assert "speech" in left
    assert "vision" not in left
    assert AuditEvent.objects.filter(verb="member.remove", project=project).count() == 1


def test_who_leaves_a_group_hears_nothing_more(
    client: Client, project: Project, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(client)
    told: list[Any] = []
    monkeypatch.setattr("accounts.services.access.publish", lambda groups, message: told.append(groups))
    go(Client())
    assert told == []
    del issuer.person["groups"]
    go(Client())
    assert told == [["access"]]


def test_a_group_makes_administrators_and_takes_it_back(client: Client, issuer: Issuer, db: None) -> None:
    def is_admin() -> tuple[bool, bool]:
        return User.objects.values_list("is_superuser", "is_staff").get()

    issuer.person["groups"] = "bosses"
    go(client)
    assert is_admin() == (True, True)
    issuer.person["groups"] = []
    go(Client())
    assert is_admin() == (False, False)
    User.objects.update(is_superuser=True, is_staff=True)
    go(Client())
    assert is_admin() == (True, True), "people made this one an administrator"
    assert set(AuditEvent.objects.filter(target="grace").values_list("verb", flat=True)) >= {
        "user.admin",
        "user.no_admin",
    }


def test_a_project_that_is_not_there_is_skipped(
    client: Client, issuer: Issuer, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.person["groups"] = ["x"]
    assert go(client)["Location"] == "/"
    assert "'gone', which does not exist" in caplog.text


def test_an_address_opens_no_account_of_somebody_else(client: Client, owner: User, issuer: Issuer) -> None:
    issuer.person["email"] = owner.email
    assert go(client)["Location"] == "/accounts/3rdparty/signup/"
    page = client.get("/accounts/3rdparty/signup/").content.decode()
    assert "Almost there" in page
    given = {"username": "grace", "email": owner.email}
    assert "already exists" in client.post("/accounts/3rdparty/signup/", given).content.decode()


def test_unless_the_operator_trusts_the_provider(
    client: Client, owner: User, issuer: Issuer, settings: Any
) -> None:
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"]["email_authentication"] = True
    EmailAddress.objects.create(user=owner, email=owner.email, verified=False, primary=True)
    issuer.person |= {"email": owner.email, "email_verified": False}
    assert go(client)["Location"] == "/accounts/3rdparty/signup/", "the provider has not verified it"
    issuer.person["email_verified"] = True
    assert go(client)["Location"] == "/"
    assert client.get("/profile/").context["user"] == owner


def test_an_account_is_connected_and_disconnected(client: Client, owner: User, issuer: Issuer) -> None:
    client.post("/accounts/login/", {"login": owner.username, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    go(client, "/accounts/oidc/sso/login/?process=connect")
    [account] = SocialAccount.objects.filter(user=owner)
    other = Client()
    go(other)
    assert other.get("/profile/").context["user"] == owner
    client.post("/accounts/3rdparty/", {"account": account.pk})
    assert not SocialAccount.objects.exists()
    assert AuditEvent.objects.filter(verb__startswith="identity.", actor=owner).count() == 2


def test_a_second_factor_is_asked_for_too(client: Client, project: Project, issuer: Issuer) -> None:
    go(client)
    grace = User.objects.get(username="grace")
    Authenticator.objects.create(user=grace, type="totp", data={"secret": "x"})
    assert go(Client())["Location"] == "/accounts/2fa/authenticate/"


def test_without_an_account_nobody_gets_in_if_so_set(
    client: Client, issuer: Issuer, settings: Any, db: None
) -> None:
    settings.SIGNUP, settings.OIDC_SIGNUP = "closed", False
    assert "Sign-up is closed" in go(client).content.decode()
    assert not User.objects.exists()


def test_a_refusal_is_a_page(client: Client, issuer: Issuer, db: None) -> None:
    issuer.refuses = True
    answer = go(client)
    assert answer["Location"] == "/accounts/3rdparty/login/cancelled/"
    assert "canceled" in client.get(answer["Location"]).content.decode()


def test_a_forged_answer_is_a_page_and_a_row(client: Client, issuer: Issuer, db: None) -> None:
    answer = client.get("/accounts/oidc/sso/login/callback/?code=x&state=y")
    assert answer.status_code == 401
    assert "Signing in failed" in answer.content.decode()
    assert AuditEvent.objects.filter(verb="sign_in.failed").count() == 1
