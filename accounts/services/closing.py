"""Projects that are not worked in any more: archived, open again, or deleted.

What runs in a project, and what belongs to it, is known to the experiments app only: its services call these.
"""

from django.db import connection, transaction

from accounts.models import Project, ProjectDeletion, User
from accounts.permissions import require, require_whole
from accounts.services.access import access_changed
from accounts.services.audit import audit
from accounts.services.locking import project_locked
from mlplatform.broker import enqueue
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict, InvalidInput

DELETE = "delete a project"
OPENED = (
    "SELECT archived_at IS NULL AND deleting_at IS NULL FROM accounts_project WHERE id = %s FOR KEY SHARE"
)


@transaction.atomic
def project_archive(*, user: User, project: Project) -> Project:
    """Keep it readable, and let nothing be started or changed in it. Raises Conflict if it is archived already."""
    project = project_locked(project)
    require(user, "manage", project)
    if project.archived_at is not None:
        raise Conflict(f"{project.name} is archived already.")
    project.archived_at = clock.now()
    project.save(update_fields=["archived_at"])
    audit(user, "project.archive", project.slug, project=project)
    access_changed()
    return project


@transaction.atomic
def project_unarchive(*, user: User, project: Project) -> Project:
    """Open it again. Raises Conflict if it is not archived."""
    project = project_locked(project)
    require(user, "manage", project)
    if project.archived_at is None:
        raise Conflict(f"{project.name} is not archived.")
    project.archived_at = None
    project.save(update_fields=["archived_at"])
    audit(user, "project.unarchive", project.slug, project=project)
    access_changed()
    return project


@transaction.atomic
def project_delete(*, user: User, project: Project, confirmation: str) -> ProjectDeletion:
    """From now on nobody sees it; what belongs to it is deleted in the background, by the row that this returns.

    Raises InvalidInput unless its slug was typed.
    """
    project = project_locked(project)
    require(user, "manage", project)
    require_whole(user, DELETE)
    if confirmation.strip() != project.slug:
        raise InvalidInput(
            f"Type {project.slug} to delete the project; what was typed is {confirmation.strip()[:100]!r}.",
            field="confirmation",
        )
    now = clock.now()
    project.deleting_at, project.personal_of = now, None
    project.save(update_fields=["deleting_at", "personal_of"])
    deletion = ProjectDeletion.objects.create(
        project_id=project.pk, slug=project.slug, name=project.name, requested_by=user, next_try_at=now
    )
    audit(user, "project.delete", project.slug, project=project, name=project.name)
    access_changed()
    enqueue("purge_projects")
    return deletion


def hold_open(project: Project) -> None:
    """Keep the project open until the current transaction ends; Conflict if it has been archived or deleted meanwhile.

    Two statements may hold it at the same time.
    """
    with connection.cursor() as cursor:
        cursor.execute(OPENED, [project.pk])
        found = cursor.fetchone()
    if not found or not found[0]:
        raise Conflict(f"{project.name} was archived or deleted a moment ago, so nothing is started in it.")
