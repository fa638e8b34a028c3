"""One change at a time to who is in a project."""

from accounts.models import Project
from accounts.permissions import GONE
from mlplatform.kernel.errors import NotFound


def project_locked(project: Project) -> Project:
    """The project as it is now, locked until the current transaction ends. Raises NotFound if it is gone.

    Nobody else adds a row that refers to it meanwhile.
    """
    found = Project.objects.select_for_update().filter(pk=project.pk, deleting_at=None).first()
    if found is None:
        raise NotFound(GONE)
    return found
