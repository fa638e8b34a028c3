"""The one place that answers who may do what."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeGuard
from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from accounts.models import Grant, Membership, Project, Role, Scope, User
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
# The most that a token of a scope can do in a project.
_CAPS = {Scope.READ: Role.VIEWER, Scope.WRITE: Role.EDITOR, Scope.ADMIN: Role.OWNER}

Person = User | AnonymousUser


def is_whole(user: Person) -> bool:
    """Whether the person speaks for the whole account: signed in, or with a token that takes nothing away."""
    return isinstance(user, User) and user.is_active and (user.grant is None or user.grant.is_whole)


def is_site_admin(user: Person) -> bool:
    """Whether the person may do everything; with a lesser token nobody is one."""
    return is_whole(user) and user.is_superuser


def is_staff(user: Person) -> bool:
    """Whether the person looks after the portal; with a lesser token nobody does."""
    return is_whole(user) and user.is_staff


def roles_in(pairs: Sequence[tuple[Person, UUID]]) -> list[Role | None]:
    """The role of each person in the project beside it, None for a stranger. At most two queries.

    Site admins are owners everywhere. Whoever is not active is a stranger, and so is everybody where a project is being
    deleted. A token opens at most what its scope allows, and a project's token nothing else than that project.
    """
    going: set[UUID] = set()
    if any(is_site_admin(user) for user, _ in pairs):
        projects = Project.objects.filter(pk__in={project for _, project in pairs})
        going = set(projects.filter(deleting_at__isnull=False).values_list("pk", flat=True))
    roles = _roles(pairs)
    return [None if project in going else role for (_, project), role in zip(pairs, roles, strict=True)]


def _roles(pairs: Sequence[tuple[Person, UUID]]) -> list[Role | None]:
    asked = [(user.pk, project) for user, project in pairs if _may_be_member(user, project)]
    held: dict[tuple[int, UUID], Role] = {}
    if asked:
        rows = Membership.objects.filter(
            user_id__in={user for user, _ in asked},
            project_id__in={project for _, project in asked},
            project__deleting_at=None,
        )
        for user_id, project_id, role in rows.values_list("user_id", "project_id", "role"):
            held[user_id, project_id] = Role(role)
    return [_role(user, project, held) for user, project in pairs]


def _role(user: Person, project: UUID, held: Mapping[tuple[int, UUID], Role]) -> Role | None:
    if is_site_admin(user):
        return Role.OWNER
    role = held.get((user.pk, project)) if _may_be_member(user, project) else None
    return _within(user, role) if role else None


def _may_be_member(user: Person, project: UUID) -> TypeGuard[User]:
    """Whether to look up a membership: of somebody active, in a project that the token opens."""
    if not isinstance(user, User) or not user.is_active or is_site_admin(user):
        return False
    return user.grant is None or user.grant.project_id in (None, project)


def _grant(user: Person) -> Grant | None:
    return user.grant if isinstance(user, User) else None


def _within(user: Person, role: Role) -> Role:
    """As much of the role as the token has."""
    grant = _grant(user)
    return role if grant is None else min(role, _CAPS[grant.scope], key=_RANK.__getitem__)


def role_in(user: Person, project: Project) -> Role | None:
    """The person's role, None for a stranger. At most one query."""
    return None if project.deleting_at is not None else _roles([(user, project.pk)])[0]


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
        raise Forbidden(_refusal(user, role, action, project))
    if not may(role, action, project):
        raise Conflict(
            f"{project.name} is archived, so nothing is started or changed in it. "
            "Its owners can unarchive it on its settings page."
        )


def _refusal(user: Person, role: Role, action: str, project: Project) -> str:
    grant = _grant(user)
    if grant and not suffices(_CAPS[grant.scope], action):
        enough = next(scope for scope, cap in _CAPS.items() if suffices(cap, action))
        return f"The token {grant.prefix}… has the scope {grant.scope}; to {action} needs the scope {enough}."
    return (
        f"As {role} of {project.name} you may not {action}; this needs the role {ACTIONS[action]}. "
        "Its owners can change your role."
    )


def require_site_admin(user: Person, what: str) -> None:
    """Raise Forbidden for everybody else. `what`: the thing to do, in words."""
    if not is_site_admin(user):
        raise Forbidden(f"To {what} takes an administrator of the portal.")


def require_whole(user: Person, what: str) -> None:
    """Raise Forbidden for a token that does not stand for the whole account. `what`: the thing to do, in words."""
    grant = _grant(user)
    if grant and not grant.is_whole:
        kind = "is for one project" if grant.project_id else f"has the scope {grant.scope}"
        raise Forbidden(
            f"The token {grant.prefix}… {kind}; to {what} takes a personal one with the scope {Scope.ADMIN}."
        )


def require_write(user: Person) -> None:
    """Raise Forbidden for a token that may only read."""
    grant = _grant(user)
    if grant and grant.scope == Scope.READ:
        raise Forbidden(
            f"The token {grant.prefix}… may only read; use one with the scope {Scope.WRITE} for this."
        )


def visible_projects(user: Person) -> "QuerySet[Project]":
    """Projects that the person may see."""
    if not isinstance(user, User) or not user.is_active:
        return Project.objects.none()
    if is_site_admin(user):
        return Project.objects.filter(deleting_at=None)
    found = Project.objects.filter(memberships__user=user, deleting_at=None)
    return found.filter(pk=user.grant.project_id) if user.grant and user.grant.project_id else found
