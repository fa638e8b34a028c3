"""Whatever takes a right away has the open sockets looked at, after the change is there."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiToken, Membership, Project, User
from accounts.permissions import visible_projects
from accounts.services.access import GROUP
from accounts.services.tokens import token_create, token_revoke
from mlplatform.http import live
from tests.fixtures import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

NEW_PASSWORD = "a longer horse battery"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, viewer: User) -> list[bool]:
    """Per time that sockets are looked at: whether the viewer still is what it was."""
    found: list[bool] = []

    def send(events: Any) -> None:
        if any(groups == [GROUP] for groups, _ in events):
            user = User.objects.filter(pk=viewer.pk, is_active=True, password=viewer.password).first()
            found.append(bool(user and visible_projects(user).exists() and user.api_tokens.exists()))

    monkeypatch.setattr(live, "_send", send)
    token_create(user=viewer, name="ci")
    return found


@pytest.fixture
def browser(viewer: User) -> Client:
    client = Client()
    client.login(username=viewer.username, password=PASSWORD)
    return client


@pytest.fixture
def admin(owner: User) -> Client:
    owner.is_staff = owner.is_superuser = True
    owner.save()
    client = Client()
    client.login(username=owner.username, password=PASSWORD)
    return client


def post(client: Client, path: str, **data: Any) -> None:
    assert client.post(path, data).status_code == 302


def test_token(told: list[bool], viewer: User) -> None:
    token_revoke(user=viewer, token_id=viewer.api_tokens.get().pk)
    assert told == [False]


def test_password(told: list[bool], browser: Client) -> None:
    post(
        browser,
        "/accounts/password/change/",
        oldpassword=PASSWORD,
        password1=NEW_PASSWORD,
        password2=NEW_PASSWORD,
    )
    assert told[0] is False


@pytest.mark.parametrize("path", ["/accounts/logout/", "/admin/logout/"])
def test_sign_out(told: list[bool], browser: Client, path: str) -> None:
    User.objects.update(is_staff=True)
    key = browser.cookies["mlp_session_8000"].value
    post(browser, path)
    assert told
    assert not browser.session.exists(key)


def membership(admin: Client, viewer: User, project: Project) -> None:
    member = Membership.objects.get(user=viewer)
    rows = {"id": member.pk, "project": project.pk, "user": viewer.pk, "role": "viewer", "DELETE": "on"}
    sizes = {"TOTAL_FORMS": 1, "INITIAL_FORMS": 1}
    form: dict[str, Any] = {f"memberships-{key}": value for key, value in sizes.items()}
    form |= {f"memberships-0-{key}": value for key, value in rows.items()}
    said = {"name": project.name, "description": "", "weight": "1"}
    post(admin, f"/admin/accounts/project/{project.pk}/change/", **said, **form)


def inactive(admin: Client, viewer: User, project: Project) -> None:
    post(
        admin,
        f"/admin/accounts/user/{viewer.pk}/change/",
        username=viewer.username,
        email=viewer.email,
        date_joined_0="2026-01-01",
        date_joined_1="00:00:00",
    )


def password(admin: Client, viewer: User, project: Project) -> None:
    post(
        admin,
        f"/admin/accounts/user/{viewer.pk}/password/",
        usable_password="true",
        password1=NEW_PASSWORD,
        password2=NEW_PASSWORD,
    )


def user_deleted(admin: Client, viewer: User, project: Project) -> None:
    post(admin, f"/admin/accounts/user/{viewer.pk}/delete/", post="yes")


def project_deleted(admin: Client, viewer: User, project: Project) -> None:
    post(admin, f"/admin/accounts/project/{project.pk}/delete/", post="yes")


def tokens_deleted(admin: Client, viewer: User, project: Project) -> None:
    chosen = [str(token.pk) for token in ApiToken.objects.all()]
    path = "/admin/accounts/apitoken/"
    post(admin, path, action="delete_selected", _selected_action=chosen, post="yes")


@pytest.mark.parametrize(
    "change", [membership, inactive, password, user_deleted, project_deleted, tokens_deleted]
)
def test_administrators(
    told: list[bool], admin: Client, viewer: User, project: Project, change: Callable[..., None]
) -> None:
    change(admin, viewer, project)
    assert told
    assert told[-1] is False
