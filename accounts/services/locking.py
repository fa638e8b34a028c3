"""One change at a time to who is in a project."""

from accounts.models import Project
from accounts.permissions import GONE
from mlplatform.kernel.errors import NotFound


def project_locked(project: Project) -> Project:
    """The project as it is now, locked until the current transaction ends. Raises NotFound if it is gone.

    Rows that refer to it can be written all the same.
    """
    found = Project.objects.select_for_update(no_key=True).filter(pk=project.pk, deleting_at=None).first()
    if found is None:
        raise NotFound(GONE)
    return found
