import pytest

from accounts.models import AuditEvent, Project, ProjectDeletion, Scope, User
from accounts.permissions import rights, role_in, roles_in, visible_projects
from accounts.selectors.deletions import deletion_get
from accounts.selectors.projects import project_get
from accounts.services.closing import project_archive, project_delete, project_unarchive
from accounts.services.invitations import invitation_create, invitation_open
from accounts.services.projects import project_create
from accounts.services.token_use import token_user
from accounts.services.tokens import token_create
from mlplatform.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("ada", "ada@example.org", "correct horse battery")


def test_an_archived_project_is_read_and_managed_only(owner: User, project: Project, viewer: User) -> None:
    archived = project_archive(user=owner, project=project)
    assert rights(owner, archived) == {"view", "manage"}
    assert project_get(viewer, "vision") == project
    with pytest.raises(Conflict, match="archived, so nothing is started or changed"):
        project_get(owner, "vision", "launch")
    with pytest.raises(Forbidden):
        project_get(viewer, "vision", "control")
    with pytest.raises(Conflict, match="archived already"):
        project_archive(user=owner, project=project)
    opened = project_unarchive(user=owner, project=project)
    assert rights(owner, opened) == {"view", "launch", "control", "manage"}
    with pytest.raises(Conflict, match="not archived"):
        project_unarchive(user=owner, project=project)
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert {"project.archive", "project.unarchive"} <= verbs


def test_only_owners_close_a_project(project: Project, viewer: User, stranger: User) -> None:
    for user, error in ((viewer, Forbidden), (stranger, NotFound)):
        for act in (project_archive, project_unarchive):
            with pytest.raises(error):
                act(user=user, project=project)
        with pytest.raises(error):
            project_delete(user=user, project=project, confirmation="vision")
    assert not ProjectDeletion.objects.exists()


def test_the_slug_must_be_typed(owner: User, project: Project) -> None:
    for typed in ("", "Vision", "vision2"):
        with pytest.raises(InvalidInput, match="Type vision to delete") as caught:
            project_delete(user=owner, project=project, confirmation=typed)
        assert caught.value.field == "confirmation"
    project.refresh_from_db()
    assert project.deleting_at is None


def test_what_is_being_deleted_is_seen_by_nobody(
    owner: User, project: Project, viewer: User, admin: User
) -> None:
    _, text = invitation_create(user=owner, project=project)
    deletion = project_delete(user=owner, project=project, confirmation=" vision ")
    assert (deletion.slug, deletion.name, deletion.requested_by) == ("vision", "Vision", owner)
    project.refresh_from_db()
    for user in (owner, viewer, admin):
        assert role_in(user, project) is None
        assert roles_in([(user, project.pk)]) == [None]
        assert not visible_projects(user).exists()
        with pytest.raises(NotFound):
            project_get(user, "vision")
    with pytest.raises(NotFound):
        invitation_open(text)
    with pytest.raises(NotFound):
        project_delete(user=owner, project=project, confirmation="vision")
    assert project_create(user=owner, name="Vision").slug == "vision-2"


def test_a_token_of_a_project_deletes_none(owner: User, project: Project) -> None:
    user = token_user(token_create(user=owner, name="ci", scope=Scope.ADMIN, project=project)[1])
    with pytest.raises(Forbidden, match="to delete a project takes a personal one"):
        project_delete(user=user, project=project, confirmation="vision")
    assert not ProjectDeletion.objects.exists()


def test_a_token_of_another_project_sees_no_deletion(owner: User, project: Project) -> None:
    speech = project_create(user=owner, name="Speech")
    user = token_user(token_create(user=owner, name="ci", project=speech)[1])
    deletion = project_delete(user=owner, project=project, confirmation="vision")
    assert deletion_get(owner, deletion.pk) == deletion
    with pytest.raises(NotFound):
        deletion_get(user, deletion.pk)
