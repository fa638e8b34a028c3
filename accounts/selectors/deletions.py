"""Reading what became of deleted projects."""

from accounts.models import ProjectDeletion, User
from accounts.permissions import is_site_admin
from mlplatform.kernel.errors import NotFound


def deletion_get(user: User, pk: int) -> ProjectDeletion:
    """The deletion, for whoever asked for it and for site administrators. Raises NotFound.

    A token of another project opens it no more than that project.
    """
    found = ProjectDeletion.objects.select_related("requested_by").filter(pk=pk).first()
    if found is None or not (is_site_admin(user) or _is_theirs(found, user)):
        raise NotFound("There is no such deletion, or you may not see it.")
    return found


def _is_theirs(deletion: ProjectDeletion, user: User) -> bool:
    opened = user.grant.project_id if user.grant else None
    return deletion.requested_by_id == user.pk and opened in (None, deletion.project_id)
