import pytest

from accounts.models import AuditEvent, Membership, Project, User
from accounts.permissions import allowed, require, visible_projects
from accounts.selectors.projects import project_get
from accounts.services.projects import project_create, project_of_ones_own
from mlplatform.kernel.errors import Forbidden, InvalidInput, NotFound


def test_its_creator_owns_it(owner: User) -> None:
    project = project_create(user=owner, name="Vision")
    assert Membership.objects.get(project=project).role == "owner"
    assert AuditEvent.objects.get(verb="project.create").actor == owner


def test_names_may_repeat_and_slugs_do_not(owner: User) -> None:
    assert [project_create(user=owner, name="Vision 1").slug for _ in range(3)] == [
        "vision-1",
        "vision-1-2",
        "vision-1-3",
    ]
    assert project_create(user=owner, name="日本").slug == "project"


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_bad_name_is_refused(owner: User, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        project_create(user=owner, name=name)
    assert caught.value.field == "name"
    assert not Project.objects.exists()


def test_roles(project: Project, owner: User, viewer: User, stranger: User) -> None:
    actions = ("view", "launch", "control", "manage")
    assert [allowed(owner, a, project) for a in actions] == [True] * 4
    assert [allowed(viewer, a, project) for a in actions] == [True, False, False, False]
    assert [allowed(stranger, a, project) for a in actions] == [False] * 4
    Membership.objects.filter(user=viewer).update(role="editor")
    assert [allowed(viewer, a, project) for a in actions] == [True, True, True, False]


def test_a_member_without_the_right_is_told_and_a_stranger_is_not(
    project: Project, viewer: User, stranger: User
) -> None:
    with pytest.raises(Forbidden, match="As viewer of Vision you may not launch; this needs the role editor"):
        require(viewer, "launch", project)
    with pytest.raises(NotFound):
        require(stranger, "launch", project)
    with pytest.raises(NotFound):
        project_get(stranger, "vision")
    with pytest.raises(NotFound):
        project_get(stranger, "unknown")


def test_a_disabled_user_sees_nothing(project: Project, owner: User) -> None:
    owner.is_active = False
    assert not allowed(owner, "view", project)
    assert not visible_projects(owner).exists()


def test_a_site_admin_sees_everything(project: Project, stranger: User) -> None:
    stranger.is_superuser = True
    assert allowed(stranger, "manage", project)
    assert list(visible_projects(stranger)) == [project]


def test_everybody_has_one_project_of_their_own(owner: User) -> None:
    owner.first_name = "Olivia O."
    own = project_of_ones_own(user=owner)
    assert own is not None
    assert (own.name, own.personal_of) == ("Olivia O.’s project", owner)
    assert project_of_ones_own(user=owner) is None
    assert Membership.objects.get(project=own).role == "owner"
