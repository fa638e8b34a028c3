"""What administrators do to projects, invitations and people."""

import re

import pytest
from django.test import Client

from accounts.models import AuditEvent, Invitation, Membership, Project, ProjectDeletion, User
from accounts.services.invitations import invitation_create, invitation_open
from experiments.models import Experiment


@pytest.fixture
def admin(client: Client, project: Project) -> Client:
    client.force_login(User.objects.create_superuser("ada", "ada@example.org", "correct horse battery"))
    return client


def test_a_project_says_what_it_holds(admin: Client, experiment: Experiment) -> None:
    page = admin.get(f"/admin/accounts/project/{experiment.project_id}/change/").content.decode()
    assert "1 experiments (1 not over), 2 runs, 0 models, about" in page
    page = admin.get("/admin/accounts/project/").content.decode()
    assert "bytes" in page
    assert "olivia" in page


@pytest.mark.parametrize("many", [False, True])
def test_one_is_deleted_as_its_owner_would(admin: Client, project: Project, many: bool) -> None:
    if many:
        given = {"action": "delete_selected", "_selected_action": [project.pk], "post": "yes"}
        admin.post("/admin/accounts/project/", given)
    else:
        path = f"/admin/accounts/project/{project.pk}/delete/"
        assert "Vision, with its experiments, models, code and files" in admin.get(path).content.decode()
        admin.post(path, {"post": "yes"})
    project.refresh_from_db()
    assert project.deleting_at is not None
    deletion = ProjectDeletion.objects.get()
    assert (deletion.project_id, str(deletion.requested_by)) == (project.pk, "ada")


def test_members_changed_here_are_in_the_audit_trail(admin: Client, project: Project, stranger: User) -> None:
    owner = Membership.objects.get()
    rows = {
        "memberships-0-id": owner.pk,
        "memberships-0-project": project.pk,
        "memberships-0-user": owner.user_id,
        "memberships-0-role": "editor",
        "memberships-1-project": project.pk,
        "memberships-1-user": stranger.pk,
        "memberships-1-role": "owner",
        "memberships-TOTAL_FORMS": 2,
        "memberships-INITIAL_FORMS": 1,
    }
    path = f"/admin/accounts/project/{project.pk}/change/"
    assert admin.post(path, {"name": "Vision", "description": "", "weight": 1, **rows}).status_code == 302
    found = AuditEvent.objects.filter(actor__username="ada").order_by("verb")
    assert [(event.verb, event.target, event.detail) for event in found] == [
        ("member.add", "stranger", {"role": "owner"}),
        ("member.change", "olivia", {"role": "editor"}),
    ]


def test_somebody_is_invited_to_the_portal_and_the_link_is_shown_once(admin: Client) -> None:
    assert admin.get("/admin/accounts/invitation/add/").status_code == 200
    made = admin.post("/admin/accounts/invitation/add/", {"email": "", "days": "7", "max_uses": "5"})
    page = made.content.decode()
    [text] = re.findall(r"/invitations/(inv_[^/]+)/<", page)
    invitation = invitation_open(text)
    assert (invitation.project, invitation.max_uses, str(invitation.created_by)) == (None, 5, "ada")
    assert text not in admin.get("/admin/accounts/invitation/").content.decode()
    assert text not in admin.get(f"/admin/accounts/invitation/{invitation.pk}/change/").content.decode()


def test_what_an_invitation_cannot_be_is_said(admin: Client) -> None:
    given = {"email": "new@example.org", "days": "7", "max_uses": "5"}
    page = admin.post("/admin/accounts/invitation/add/", given).content.decode()
    assert "An invitation to one address is for one person." in page
    assert not Invitation.objects.exists()


def test_invitations_are_revoked_together(admin: Client, owner: User, project: Project) -> None:
    made = [invitation_create(user=owner, project=project)[0].pk for _ in range(2)]
    admin.post("/admin/accounts/invitation/", {"action": "revoke", "_selected_action": made})
    assert not Invitation.objects.filter(revoked_at=None).exists()
    assert AuditEvent.objects.filter(verb="invitation.revoke", actor__username="ada").count() == 2


def test_an_author_is_deactivated_instead_of_deleted(admin: Client, owner: User, stranger: User) -> None:
    answer = admin.post(f"/admin/accounts/user/{owner.pk}/delete/", {"post": "yes"}, follow=True)
    page = answer.content.decode()
    assert "Deactivate it instead" in page
    assert "Projects: vision." in page
    assert User.objects.filter(pk=owner.pk).exists()
    admin.post(f"/admin/accounts/user/{stranger.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=stranger.pk).exists()
