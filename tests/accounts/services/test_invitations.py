from datetime import timedelta

import pytest

from accounts.models import AuditEvent, Invitation, Membership, Project, Scope, User
from accounts.permissions import role_in
from accounts.selectors.invitations import invitations_of
from accounts.services.invitations import (
    invitation_accept,
    invitation_create,
    invitation_open,
    invitation_revoke,
)
from accounts.services.projects import project_create
from accounts.services.token_use import token_user
from accounts.services.tokens import token_create
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Forbidden, InvalidInput, NotFound


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("ada", "ada@example.org", "correct horse battery")


def test_who_has_the_link_comes_in_once(owner: User, project: Project, stranger: User, admin: User) -> None:
    invitation, text = invitation_create(user=owner, project=project, role="editor")
    assert invitation_open(text) == invitation
    invitation_accept(user=stranger, text=text)
    assert role_in(stranger, project) == "editor"
    invitation.refresh_from_db()
    assert (invitation.uses, invitation.accepted_by) == (1, stranger)
    verbs = AuditEvent.objects.filter(verb__startswith="invitation.").values_list("verb", "actor__username")
    assert sorted(verbs) == [("invitation.accept", "stranger"), ("invitation.create", "olivia")]
    with pytest.raises(NotFound, match="has been used"):
        invitation_accept(user=admin, text=text)
    assert not Membership.objects.filter(user=admin).exists()


def test_the_text_is_kept_nowhere(owner: User, project: Project) -> None:
    invitation, text = invitation_create(user=owner, project=project)
    row = Invitation.objects.filter(pk=invitation.pk).values().get()
    assert not any(text in str(value) for value in row.values())
    assert not AuditEvent.objects.filter(detail__icontains=text).exists()


def test_a_link_for_many_counts_them(owner: User, project: Project, stranger: User, viewer: User) -> None:
    _, text = invitation_create(user=owner, project=project, max_uses=2)
    invitation_accept(user=stranger, text=text)
    # Who is in already uses nothing up.
    invitation_accept(user=stranger, text=text)
    invitation_accept(user=owner, text=text)
    assert invitation_open(text).uses_left == 1
    assert role_in(owner, project) == "owner"


def test_a_higher_role_is_taken_and_a_lower_one_is_not(owner: User, project: Project, viewer: User) -> None:
    _, up = invitation_create(user=owner, project=project, role="editor")
    invitation_accept(user=viewer, text=up)
    assert role_in(viewer, project) == "editor"
    _, down = invitation_create(user=owner, project=project, role="viewer")
    invitation_accept(user=viewer, text=down)
    assert role_in(viewer, project) == "editor"


def test_expired_revoked_and_invented_ones_are_not_there(owner: User, project: Project) -> None:
    expired, old = invitation_create(user=owner, project=project)
    Invitation.objects.filter(pk=expired.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    revoked, text = invitation_create(user=owner, project=project)
    invitation_revoke(user=owner, project=project, invitation_id=revoked.pk)
    for gone in (old, text, "inv_nothing", ""):
        with pytest.raises(NotFound, match="not valid"):
            invitation_open(gone)
    assert not invitations_of(project).exists()
    with pytest.raises(NotFound):
        invitation_revoke(user=owner, project=project, invitation_id=revoked.pk)


def test_it_is_worth_what_its_maker_may_do(owner: User, project: Project, stranger: User) -> None:
    _, text = invitation_create(user=owner, project=project, role="owner")
    Membership.objects.filter(user=owner).update(role="editor")
    with pytest.raises(NotFound):
        invitation_accept(user=stranger, text=text)
    Membership.objects.filter(user=owner).update(role="owner")
    User.objects.filter(pk=owner.pk).update(is_active=False)
    with pytest.raises(NotFound):
        invitation_accept(user=stranger, text=text)
    assert role_in(stranger, project) is None


def test_only_owners_invite_and_revoke(owner: User, project: Project, viewer: User, stranger: User) -> None:
    invitation, _ = invitation_create(user=owner, project=project)
    for user, error in ((viewer, Forbidden), (stranger, NotFound)):
        with pytest.raises(error):
            invitation_create(user=user, project=project)
        with pytest.raises(error):
            invitation_revoke(user=user, project=project, invitation_id=invitation.pk)


def test_an_invitation_belongs_to_its_project(owner: User, project: Project, stranger: User) -> None:
    other = project_create(user=stranger, name="Other")
    invitation, _ = invitation_create(user=owner, project=project)
    with pytest.raises(NotFound):
        invitation_revoke(user=stranger, project=other, invitation_id=invitation.pk)


def test_the_portal_alone_is_for_administrators_to_invite_to(
    owner: User, admin: User, stranger: User
) -> None:
    with pytest.raises(Forbidden, match="Only site administrators"):
        invitation_create(user=owner, project=None)
    invitation, text = invitation_create(user=admin, project=None, email="new@example.org")
    assert invitation_open(text).project is None
    invitation_accept(user=stranger, text=text)
    assert not Membership.objects.filter(user=stranger).exists()
    with pytest.raises(NotFound):
        invitation_open(text)
    with pytest.raises(Forbidden):
        invitation_revoke(user=owner, project=None, invitation_id=invitation.pk)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"role": "king"}, "role"),
        ({"days": 0}, "days"),
        ({"days": 91}, "days"),
        ({"max_uses": 0}, "max_uses"),
        ({"max_uses": 101}, "max_uses"),
        ({"email": "nowhere"}, "email"),
        ({"email": "new@example.org", "max_uses": 2}, "max_uses"),
    ],
)
def test_what_cannot_be_is_said(owner: User, project: Project, given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        invitation_create(user=owner, project=project, **given)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert not Invitation.objects.exists()


def test_a_lesser_token_neither_invites_nor_accepts(owner: User, project: Project, stranger: User) -> None:
    user = token_user(token_create(user=owner, name="ci", scope=Scope.ADMIN, project=project)[1])
    with pytest.raises(Forbidden, match="to invite people takes a personal one"):
        invitation_create(user=user, project=project)
    invitation, text = invitation_create(user=owner, project=project)
    with pytest.raises(Forbidden, match="to invite people"):
        invitation_revoke(user=user, project=project, invitation_id=invitation.pk)
    script = token_user(token_create(user=stranger, name="script", scope=Scope.WRITE)[1])
    with pytest.raises(Forbidden, match="to accept an invitation"):
        invitation_accept(user=script, text=text)
    assert role_in(stranger, project) is None
