import re
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Invitation, Membership, Project, User
from accounts.permissions import role_in
from accounts.services.invitations import invitation_create
from tests.fixtures import user_create

PAGE = "/p/vision/members/"
INVITED = {
    "invitation-email": "",
    "invitation-role": "editor",
    "invitation-days": "7",
    "invitation-max_uses": "1",
}


@pytest.fixture
def as_owner(client: Client, owner: User, project: Project) -> Client:
    client.force_login(owner)
    return client


def _link(page: str) -> str:
    [link] = re.findall(r'id="new-invitation">http://[^/]+(/invitations/inv_[^<]+/)<', page)
    return str(link)


def test_an_owner_adds_changes_and_removes(as_owner: Client, project: Project, stranger: User) -> None:
    given = {"member-name": "stranger@example.org", "member-role": "viewer"}
    page = as_owner.post(f"{PAGE}add/", given, follow=True).content.decode()
    assert "stranger is viewer of Vision now." in page
    page = as_owner.post(f"{PAGE}stranger/role/", {"role": "editor"}, follow=True).content.decode()
    assert "stranger is editor of Vision now." in page
    page = as_owner.post(f"{PAGE}stranger/remove/", follow=True).content.decode()
    assert "stranger is not in Vision any more." in page
    assert role_in(stranger, project) is None


def test_a_wrong_name_is_said_at_the_field(as_owner: Client) -> None:
    response = as_owner.post(f"{PAGE}add/", {"member-name": "nobody", "member-role": "viewer"})
    assert response.status_code == 400
    page = response.content.decode()
    assert "Invite them by a link instead." in page
    assert 'aria-invalid="true"' in page
    # Whoever reloads it afterwards is shown the members.
    assert as_owner.get(f"{PAGE}add/")["Location"] == PAGE


def test_the_last_owner_is_told_what_to_do(as_owner: Client, project: Project, owner: User) -> None:
    for path, given in (("remove", {}), ("role", {"role": "viewer"})):
        page = as_owner.post(f"{PAGE}olivia/{path}/", given, follow=True).content.decode()
        assert "Make somebody else owner first" in page
    assert role_in(owner, project) == "owner"


def test_handing_over(as_owner: Client, project: Project, viewer: User, owner: User) -> None:
    page = as_owner.post(f"{PAGE}victor/transfer/", follow=True).content.decode()
    assert "Vision belongs to victor now; you are an editor of it." in page
    assert role_in(owner, project) == "editor"


def test_a_viewer_may_leave_and_nothing_else(client: Client, project: Project, viewer: User) -> None:
    client.force_login(viewer)
    page = client.get(PAGE).content.decode()
    assert "Leave" in page
    assert "Invite by a link" not in page
    assert "Ask an owner for another role." in page
    assert client.post(f"{PAGE}olivia/remove/").status_code == 403
    assert client.post(f"{PAGE}victor/role/", {"role": "owner"}).status_code == 403
    assert client.post(f"{PAGE}invite/", INVITED).status_code == 403
    assert client.post(f"{PAGE}victor/remove/")["Location"] == "/projects/"
    assert client.get(PAGE).status_code == 404


@pytest.mark.parametrize("path", ["", "add/", "invite/"])
def test_strangers_get_404(client: Client, project: Project, stranger: User, path: str) -> None:
    client.force_login(stranger)
    assert client.get(f"{PAGE}{path}").status_code == 404


@pytest.mark.parametrize("path", ["olivia/role/", "olivia/remove/", "olivia/transfer/", "stranger/remove/"])
def test_strangers_change_nothing(client: Client, project: Project, stranger: User, path: str) -> None:
    client.force_login(stranger)
    assert client.post(f"{PAGE}{path}").status_code == 404
    assert Membership.objects.count() == 1


def test_a_link_is_shown_once_and_lets_somebody_in(
    as_owner: Client, project: Project, stranger: User
) -> None:
    made = as_owner.post(f"{PAGE}invite/", INVITED)
    link = _link(made.content.decode())
    assert made["Cache-Control"].startswith("max-age=0")
    page = as_owner.get(PAGE).content.decode()
    assert link not in page
    assert f"{Invitation.objects.get().prefix}…" in page
    guest = Client()
    guest.force_login(stranger)
    page = guest.get(link).content.decode()
    assert "<strong>olivia</strong> invites you to the project <strong>Vision</strong> as editor." in page
    page = guest.post(link, follow=True).content.decode()
    assert "Welcome to Vision." in page
    assert role_in(stranger, project) == "editor"
    assert "None. Links that nobody has used" in as_owner.get(PAGE).content.decode()
    assert guest.get(link).status_code == 404


def test_who_is_in_already_is_led_to_the_project(as_owner: Client) -> None:
    link = _link(as_owner.post(f"{PAGE}invite/", INVITED).content.decode())
    page = as_owner.get(link).content.decode()
    assert "You are in already, as owner." in page


def test_a_stranger_signs_up_and_comes_back(as_owner: Client, project: Project) -> None:
    link = _link(as_owner.post(f"{PAGE}invite/", INVITED).content.decode())
    guest = Client()
    page = guest.get(link).content.decode()
    assert f"/accounts/signup/?next={link}" in page
    assert guest.session["invitation"] == link.split("/")[2]
    # The session remembers, even where the address forgets.
    given = {"username": "nina", "email": "nina@example.org", "password1": "correct horse battery"}
    assert guest.post("/accounts/signup/", given)["Location"] == link
    guest.post(link)
    assert role_in(User.objects.get(username="nina"), project) == "editor"
    assert "invitation" not in guest.session


def test_who_signs_in_comes_back_unless_it_was_used_meanwhile(
    as_owner: Client, project: Project, stranger: User
) -> None:
    link = _link(as_owner.post(f"{PAGE}invite/", INVITED).content.decode())
    given = {"login": "stranger", "password": "correct horse battery"}
    guest = Client()
    guest.get(link)
    assert guest.post("/accounts/login/", given)["Location"] == link
    late = Client()
    late.get(link)
    Invitation.objects.update(uses=1)
    assert late.post("/accounts/login/", given)["Location"] == "/"


def test_an_owner_revokes(as_owner: Client) -> None:
    link = _link(as_owner.post(f"{PAGE}invite/", INVITED).content.decode())
    pk = Invitation.objects.get().pk
    assert as_owner.post(f"/p/vision/invitations/{pk}/revoke/")["Location"] == PAGE
    assert Client().get(link).status_code == 404


def test_with_a_mail_server_the_link_is_sent(as_owner: Client) -> None:
    made = as_owner.post(f"{PAGE}invite/", {**INVITED, "invitation-email": "new@example.org"})
    page = made.content.decode()
    assert "The invitation went to new@example.org" in page
    [sent] = mail.outbox
    assert sent.to == ["new@example.org"]
    assert _link(page) in sent.body
    assert "olivia invites you to Vision as editor." in sent.body


@pytest.mark.parametrize("backend", ["console", "smtp"])
def test_without_one_it_is_shown(as_owner: Client, settings: Any, backend: str) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    # Nobody listens there.
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = as_owner.post(
        f"{PAGE}invite/", {**INVITED, "invitation-email": "new@example.org"}
    ).content.decode()
    assert "Copy the link now" in page
    assert _link(page)


def test_what_cannot_be_is_said(as_owner: Client) -> None:
    response = as_owner.post(f"{PAGE}invite/", {**INVITED, "invitation-max_uses": "1000"})
    assert response.status_code == 400
    assert not Invitation.objects.exists()


def test_queries_do_not_grow_with_members_and_invitations(
    as_owner: Client, owner: User, project: Project, django_assert_num_queries: Any
) -> None:
    with CaptureQueriesContext(connection) as few:
        as_owner.get(PAGE)
    for number in range(5):
        person = user_create(f"person{number}")
        Membership.objects.create(project=project, user=person, role="owner")
        invitation_create(user=person, project=project)
    with django_assert_num_queries(len(few)):
        as_owner.get(PAGE)
