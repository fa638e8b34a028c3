"""Reading what became of deleted projects."""

from accounts.models import ProjectDeletion, User
from accounts.permissions import is_site_admin
from mlplatform.kernel.errors import NotFound


def deletion_get(user: User, pk: int) -> ProjectDeletion:
    """The deletion, for whoever asked for it and for site administrators. Raises NotFound."""
    found = ProjectDeletion.objects.select_related("requested_by").filter(pk=pk).first()
    if found is None or not (is_site_admin(user) or found.requested_by_id == user.pk):
        raise NotFound("There is no such deletion, or you may not see it.")
    return found
