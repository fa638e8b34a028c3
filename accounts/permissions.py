"""The one place that answers who may do what."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from accounts.models import Membership, Project, Role, User
from mlplatform.kernel.errors import Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from django.db.models import QuerySet

# Action -> the least role that may do it.
ACTIONS = {
    "view": Role.VIEWER,
    "launch": Role.EDITOR,
    "control": Role.EDITOR,
    "manage": Role.OWNER,
}
# What an archived project has closed, whatever the role.
CLOSED_BY_ARCHIVING = frozenset({"launch", "control"})
GONE = "There is no such project, or you may not see it."
_RANK = {Role.VIEWER: 0, Role.EDITOR: 1, Role.OWNER: 2}

Person = User | AnonymousUser


def roles_in(pairs: Collection[tuple[Person, UUID]]) -> dict[tuple[int, UUID], Role]:
    """The role of each person in the project beside it, by their ids; strangers are missing. At most two queries.

    Site admins are owners everywhere. Whoever is not active is a stranger, and so is everybody where a project is
    being deleted.
    """
    people = [(user, project) for user, project in pairs if isinstance(user, User) and user.is_active]
    going: set[UUID] = set()
    if any(user.is_superuser for user, _ in people):
        projects = Project.objects.filter(pk__in={project for _, project in people})
        going = set(projects.filter(deleting_at__isnull=False).values_list("pk", flat=True))
    people = [(user, project) for user, project in people if project not in going]
    return _roles(people)


def _roles(people: Collection[tuple[User, UUID]]) -> dict[tuple[int, UUID], Role]:
    roles = {(user.pk, project): Role.OWNER for user, project in people if user.is_superuser}
    others = {(user.pk, project) for user, project in people} - roles.keys()
    if others:
        found = Membership.objects.filter(
            user_id__in={user for user, _ in others},
            project_id__in={project for _, project in others},
            project__deleting_at=None,
        )
        for user, project, role in found.values_list("user_id", "project_id", "role"):
            if (user, project) in others:
                roles[user, project] = Role(role)
    return roles


def role_in(user: Person, project: Project) -> Role | None:
    """The person's role, None for a stranger. At most one query."""
    if project.deleting_at is not None or not isinstance(user, User) or not user.is_active:
        return None
    return _roles([(user, project.pk)]).get((user.pk, project.pk))


def rights(user: Person, project: Project) -> frozenset[str]:
    """The actions (keys of ACTIONS) that the person may do in the project now. At most one query."""
    role = role_in(user, project)
    return frozenset(action for action in ACTIONS if role is not None and may(role, action, project))


def allowed(user: Person, action: str, project: Project) -> bool:
    """Whether the person may do one of them."""
    return action in rights(user, project)


def suffices(role: Role, action: str) -> bool:
    """Whether the role may do the action (a key of ACTIONS)."""
    return _RANK[role] >= _RANK[ACTIONS[action]]


def may(role: Role, action: str, project: Project) -> bool:
    """The same, and whether the project is open for it."""
    return suffices(role, action) and not (project.archived_at is not None and action in CLOSED_BY_ARCHIVING)


def includes(role: Role, other: Role) -> bool:
    """Whether the role includes the other one."""
    return _RANK[role] >= _RANK[other]


def require(user: Person, action: str, project: Project) -> None:
    """Raise NotFound for a stranger, Forbidden for a member without the right, Conflict if the project is archived."""
    role = role_in(user, project)
    if role is None:
        raise NotFound(GONE)
    if not suffices(role, action):
        raise Forbidden(
            f"As {role} of {project.name} you may not {action}; this needs the role {ACTIONS[action]}. "
            "Its owners can change your role."
        )
    if not may(role, action, project):
        raise Conflict(
            f"{project.name} is archived, so nothing is started or changed in it. "
            "Its owners can unarchive it on its settings page."
        )


def visible_projects(user: Person) -> "QuerySet[Project]":
    """Projects that the person may see."""
    if not isinstance(user, User) or not user.is_active:
        return Project.objects.none()
    if user.is_superuser:
        return Project.objects.filter(deleting_at=None)
    return Project.objects.filter(memberships__user=user, deleting_at=None)
