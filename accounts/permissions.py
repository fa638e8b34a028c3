"""The one place that answers who may do what."""

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser

from accounts.models import Membership, Project, Role, User
from mlplatform.kernel.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from django.db.models import QuerySet

# Action -> the least role that may do it.
ACTIONS = {
    "view": Role.VIEWER,
    "launch": Role.EDITOR,
    "control": Role.EDITOR,
    "manage": Role.OWNER,
}
GONE = "There is no such project, or you may not see it."
_RANK = {Role.VIEWER: 0, Role.EDITOR: 1, Role.OWNER: 2}

Person = User | AnonymousUser


def role_in(user: Person, project: Project) -> Role | None:
    """The person's role, None for a stranger. Site admins are owners everywhere. One query."""
    if not isinstance(user, User) or not user.is_active:
        return None
    if user.is_superuser:
        return Role.OWNER
    membership = Membership.objects.filter(user=user, project=project).first()
    return Role(membership.role) if membership else None


def allowed(user: Person, action: str, project: Project) -> bool:
    """Whether the person may do the action (a key of ACTIONS) in the project."""
    role = role_in(user, project)
    return role is not None and _RANK[role] >= _RANK[ACTIONS[action]]


def require(user: Person, action: str, project: Project) -> None:
    """Raise NotFound for a stranger, Forbidden for a member without the right."""
    role = role_in(user, project)
    if role is None:
        raise NotFound(GONE)
    if _RANK[role] < _RANK[ACTIONS[action]]:
        raise Forbidden(
            f"As {role} of {project.name} you may not {action}; this needs the role {ACTIONS[action]}. "
            "An administrator can change your role."
        )


def visible_projects(user: Person) -> "QuerySet[Project]":
    """Projects that the person may see."""
    if not isinstance(user, User) or not user.is_active:
        return Project.objects.none()
    if user.is_superuser:
        return Project.objects.all()
    return Project.objects.filter(memberships__user=user)
