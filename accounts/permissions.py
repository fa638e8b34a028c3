"""The one place that answers who may do what."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

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


def roles_in(pairs: Collection[tuple[Person, UUID]]) -> dict[tuple[int, UUID], Role]:
    """The role of each person in the project beside it, by their ids; strangers are missing. At most one query.

    Site admins are owners everywhere. Whoever is not active is a stranger.
    """
    people = [(user, project) for user, project in pairs if isinstance(user, User) and user.is_active]
    roles = {(user.pk, project): Role.OWNER for user, project in people if user.is_superuser}
    others = {(user.pk, project) for user, project in people} - roles.keys()
    if others:
        found = Membership.objects.filter(
            user_id__in={user for user, _ in others}, project_id__in={project for _, project in others}
        )
        for user, project, role in found.values_list("user_id", "project_id", "role"):
            if (user, project) in others:
                roles[user, project] = Role(role)
    return roles


def role_in(user: Person, project: Project) -> Role | None:
    """The person's role, None for a stranger. At most one query."""
    return next(iter(roles_in([(user, project.pk)]).values()), None)


def rights(user: Person, project: Project) -> frozenset[str]:
    """The actions (keys of ACTIONS) that the person may do in the project. At most one query."""
    role = role_in(user, project)
    return frozenset(action for action in ACTIONS if role is not None and suffices(role, action))


def allowed(user: Person, action: str, project: Project) -> bool:
    """Whether the person may do one of them."""
    return action in rights(user, project)


def suffices(role: Role, action: str) -> bool:
    """Whether the role may do the action (a key of ACTIONS)."""
    return _RANK[role] >= _RANK[ACTIONS[action]]


def includes(role: Role, other: Role) -> bool:
    """Whether the role includes the other one."""
    return _RANK[role] >= _RANK[other]


def require(user: Person, action: str, project: Project) -> None:
    """Raise NotFound for a stranger, Forbidden for a member without the right."""
    role = role_in(user, project)
    if role is None:
        raise NotFound(GONE)
    if not suffices(role, action):
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
