from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import AuditEvent, Membership, Project, Scope, User
from accounts.permissions import role_in
from accounts.services import access
from accounts.services.members import member_add, member_change, member_remove, project_transfer
from accounts.services.token_use import token_user
from accounts.services.tokens import token_create
from mlplatform.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What open sockets are told."""
    sent: list[object] = []
    monkeypatch.setattr(access, "publish", lambda groups, message: sent.append(message))
    return sent


@pytest.mark.parametrize("name", ["stranger", " stranger ", "STRANGER@example.org"])
def test_somebody_is_added_by_name_or_address(
    owner: User, project: Project, stranger: User, name: str, told: list[object]
) -> None:
    member_add(user=owner, project=project, name=name, role="editor")
    assert role_in(stranger, project) == "editor"
    event = AuditEvent.objects.get(verb="member.add")
    assert (event.actor, event.target, event.detail, event.project) == (
        owner,
        "stranger",
        {"role": "editor"},
        project,
    )
    assert told


def test_who_has_no_account_is_said_and_what_to_do(owner: User, project: Project, stranger: User) -> None:
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    for name in ("nobody@example.org", "", "stranger"):
        with pytest.raises(InvalidInput, match="Invite them by a link") as caught:
            member_add(user=owner, project=project, name=name, role="viewer")
        assert caught.value.field == "name"
    with pytest.raises(InvalidInput, match="'king' is no role"):
        member_add(user=owner, project=project, name="olivia", role="king")


def test_a_member_is_not_added_twice(owner: User, project: Project, viewer: User) -> None:
    with pytest.raises(Conflict, match="victor is viewer of Vision already"):
        member_add(user=owner, project=project, name="victor", role="owner")
    assert role_in(viewer, project) == "viewer"


def test_roles_change_and_members_go(owner: User, project: Project, viewer: User, told: list[object]) -> None:
    member_change(user=owner, project=project, username="victor", role="owner")
    assert role_in(viewer, project) == "owner"
    member_change(user=viewer, project=project, username="olivia", role="viewer")
    member_remove(user=viewer, project=project, username="olivia")
    assert role_in(owner, project) is None
    verbs = list(AuditEvent.objects.order_by("pk").values_list("verb", "detail"))[1:]
    assert verbs == [
        ("member.change", {"before": "viewer", "role": "owner"}),
        ("member.change", {"before": "owner", "role": "viewer"}),
        ("member.remove", {"role": "viewer"}),
    ]
    assert len(told) == 3


def test_a_member_leaves_without_any_right(project: Project, viewer: User) -> None:
    member_remove(user=viewer, project=project, username="victor")
    assert not Membership.objects.filter(user=viewer).exists()
    assert AuditEvent.objects.filter(verb="member.leave", actor=viewer).exists()


def test_the_last_owner_stays(owner: User, project: Project, viewer: User) -> None:
    with pytest.raises(Conflict, match="Make somebody else owner first"):
        member_remove(user=owner, project=project, username="olivia")
    with pytest.raises(Conflict, match="olivia is the last owner of Vision"):
        member_change(user=owner, project=project, username="olivia", role="editor")
    # An owner who cannot sign in does not count.
    Membership.objects.filter(user=viewer).update(role="owner")
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    with pytest.raises(Conflict):
        member_remove(user=owner, project=project, username="olivia")


def test_only_owners_decide_about_others(owner: User, project: Project, viewer: User, stranger: User) -> None:
    Membership.objects.filter(user=viewer).update(role="editor")
    for user, error in ((viewer, Forbidden), (stranger, NotFound)):
        with pytest.raises(error):
            member_add(user=user, project=project, name="stranger", role="viewer")
        with pytest.raises(error):
            member_change(user=user, project=project, username="olivia", role="viewer")
        with pytest.raises(error):
            member_remove(user=user, project=project, username="olivia")
        with pytest.raises(error):
            project_transfer(user=user, project=project, username="victor")
    with pytest.raises(NotFound):
        member_remove(user=stranger, project=project, username="stranger")


def test_who_is_no_member_is_not_found(owner: User, project: Project, stranger: User) -> None:
    with pytest.raises(NotFound, match="stranger is not a member of Vision"):
        member_change(user=owner, project=project, username="stranger", role="owner")
    with pytest.raises(NotFound):
        project_transfer(user=owner, project=project, username="stranger")


def test_a_project_is_handed_over(owner: User, project: Project, viewer: User) -> None:
    Project.objects.filter(pk=project.pk).update(personal_of=owner)
    project_transfer(user=owner, project=project, username="victor")
    assert (role_in(viewer, project), role_in(owner, project)) == ("owner", "editor")
    project.refresh_from_db()
    assert project.personal_of is None
    assert AuditEvent.objects.get(verb="project.transfer").detail == {"to": "victor"}


def test_it_is_handed_over_to_somebody_else_who_can_sign_in(
    owner: User, project: Project, viewer: User
) -> None:
    with pytest.raises(Conflict, match="to yourself"):
        project_transfer(user=owner, project=project, username="olivia")
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    with pytest.raises(Conflict, match="not active"):
        project_transfer(user=owner, project=project, username="victor")
    assert role_in(owner, project) == "owner"


def test_a_lesser_token_changes_nobody(owner: User, project: Project, viewer: User, stranger: User) -> None:
    """Whom it let in would stay when it is revoked."""
    _, text = token_create(user=owner, name="ci", scope=Scope.ADMIN, project=project)
    user = token_user(text)
    with pytest.raises(Forbidden, match="is for one project; to change who is in a project takes a personal"):
        member_add(user=user, project=project, name="stranger", role="owner")
    with pytest.raises(Forbidden, match="is for one project"):
        member_change(user=user, project=project, username="victor", role="owner")
    with pytest.raises(Forbidden, match="is for one project"):
        member_remove(user=user, project=project, username="victor")
    with pytest.raises(Forbidden, match="is for one project"):
        project_transfer(user=user, project=project, username="victor")
    assert role_in(viewer, project) == "viewer"
    assert role_in(stranger, project) is None


def test_nobody_leaves_by_a_token_that_may_only_write(project: Project, viewer: User) -> None:
    user = token_user(token_create(user=viewer, name="script", scope=Scope.WRITE)[1])
    with pytest.raises(Forbidden, match="has the scope write"):
        member_remove(user=user, project=project, username="victor")
    whole = token_user(token_create(user=viewer, name="laptop", scope=Scope.ADMIN)[1])
    member_remove(user=whole, project=project, username="victor")
    assert role_in(viewer, project) is None


@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_both_leave(owner: User, project: Project, viewer: User) -> None:
    Membership.objects.filter(user=viewer).update(role="owner")
    start = Barrier(2)

    def leave(user: User) -> bool:
        try:
            start.wait(20)
            member_remove(user=user, project=project, username=user.username)
        except Conflict:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        left = list(pool.map(leave, (owner, viewer)))
    assert sorted(left) == [False, True]
    assert Membership.objects.filter(project=project, role="owner").count() == 1
