"""What an administrator sees and ends of how others sign in."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from django.test import Client

from accounts.models import AuditEvent, User
from tests.fixtures import PASSWORD


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.org", "x"))
    return client


def test_a_lost_factor_is_removed_and_its_secret_never_seen(root: Client, owner: User) -> None:
    factor = TOTP.activate(owner, generate_totp_secret()).instance
    path = f"/admin/mfa/authenticator/{factor.pk}/"
    page = root.get(f"{path}change/").content.decode()
    assert "olivia" in page
    assert factor.data["secret"] not in page
    root.post(f"{path}delete/", {"post": "yes"})
    assert not Authenticator.objects.exists()
    row = AuditEvent.objects.get(verb="second_factor.remove")
    assert row.actor is not None
    assert (row.actor.username, row.target, row.detail["factor"]) == ("root", "olivia", "totp")


@pytest.mark.parametrize("many", [False, True])
def test_a_removed_session_is_signed_out(root: Client, owner: User, many: bool) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": "olivia", "password": PASSWORD})
    session = UserSession.objects.get(user=owner)
    if many:
        given = {"action": "delete_selected", "_selected_action": [session.pk], "post": "yes"}
        root.post("/admin/usersessions/usersession/", given)
    else:
        root.post(f"/admin/usersessions/usersession/{session.pk}/delete/", {"post": "yes"})
    assert client.get("/profile/").status_code == 302
    assert AuditEvent.objects.get(verb="session.end").target == "olivia"


def test_staff_who_may_not_everything_remove_nothing(owner: User, viewer: User) -> None:
    viewer.is_staff = True
    viewer.save()
    factor = TOTP.activate(owner, generate_totp_secret()).instance
    client = Client()
    client.force_login(viewer)
    assert client.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"}).status_code == 403


def test_providers_and_tokens_of_theirs_are_no_rows(root: Client) -> None:
    assert root.get("/admin/socialaccount/socialapp/").status_code == 404
    assert (
        root.get("/admin/password_change/", follow=True).redirect_chain[-1][0] == "/accounts/password/change/"
    )
