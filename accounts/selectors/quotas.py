"""Which quotas apply to whom, and how much of them is used."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Project, Quota, QuotaScope, User

# Scope, project, person, backend; empty where it does not matter.
Key = tuple[str, UUID | None, int | None, str]


@dataclass(frozen=True)
class Holder:
    """A project, a person, a person in a project, or (without either) everybody at a backend."""

    scope: str
    project_id: UUID | None = None
    user_id: int | None = None
    words: str = ""


@dataclass(frozen=True)
class Applied:
    """What applies to one holder. `backend` is empty for a limit that counts all backends together."""

    holder: Holder
    backend: str
    resource: str
    soft: float | None
    hard: float | None

    @property
    def key(self) -> Key:
        """Whose use counts."""
        return (self.holder.scope, self.holder.project_id, self.holder.user_id, self.backend)

    @property
    def words(self) -> str:
        """The holder, and where."""
        if self.holder.scope == QuotaScope.BACKEND:
            return f"backend {self.backend}"
        return f"{self.holder.words} at {self.backend}" if self.backend else self.holder.words


@dataclass(frozen=True)
class Use:
    """Amounts by resource that somebody uses in a project at a backend."""

    project_id: UUID | None
    user_id: int | None
    backend: str
    amounts: Mapping[str, float]


class Tally:
    """Uses, added up for every scope."""

    def __init__(self, uses: Iterable[Use] = ()) -> None:
        self._sums: dict[Key, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for use in uses:
            self.add(use)

    def add(self, use: Use) -> None:
        """One more."""
        for key in _keys(use):
            for resource, amount in use.amounts.items():
                self._sums[key][resource] += amount

    def keys(self, scope: str, backend: str) -> list[Key]:
        """Everybody of a scope who uses anything."""
        return [key for key in self._sums if key[0] == scope and key[3] == backend]

    def of(self, key: Key, resource: str) -> float:
        """How much of a resource is used."""
        return self._sums[key].get(resource, 0.0) if key in self._sums else 0.0


BACKENDS = Holder(QuotaScope.BACKEND)


def holder_of(project: Project | None = None, user: User | None = None) -> Holder:
    """A project, a person, or both."""
    if project and user:
        words = f"{user.username} in project {project.name}"
        return Holder(QuotaScope.MEMBER, project.pk, user.pk, words)
    if project:
        return Holder(QuotaScope.PROJECT, project.pk, None, f"project {project.name}")
    assert user
    return Holder(QuotaScope.USER, None, user.pk, user.username)


def holders_for(project: Project, user: User) -> list[Holder]:
    """All that count what a person does in a project."""
    return [holder_of(project), holder_of(user=user), holder_of(project, user), BACKENDS]


def quotas_applied(holders: Iterable[Holder], resources: Collection[str] | None = None) -> list[Applied]:
    """For each holder, backend and resource the one that names the holder, else the default. One query."""
    wanted = list(holders)
    rows = Quota.objects.filter(
        Q(user=None) | Q(user__in={each.user_id for each in wanted if each.user_id}),
        Q(project=None) | Q(project__in={each.project_id for each in wanted if each.project_id}),
    )
    if resources is not None:
        rows = rows.filter(resource__in=resources)
    found: dict[tuple[str, UUID | None, int | None], dict[tuple[str, str], Quota]] = defaultdict(dict)
    for row in rows.order_by("backend", "resource"):
        found[row.scope, row.project_id, row.user_id][row.backend, row.resource] = row
    applied = []
    for holder in wanted:
        # A default of members is that of their project.
        above = holder.project_id if holder.scope == QuotaScope.MEMBER else None
        default = found.get((holder.scope, above, None), {})
        own = found.get((holder.scope, holder.project_id, holder.user_id), {})
        for (backend, resource), row in (default | own).items():
            applied.append(Applied(holder, backend, resource, row.soft, row.hard))
    return applied


def quota_list(filters: Mapping[str, str]) -> "QuerySet[Quota]":
    """Quotas, by scope, project (slug), user (name), backend, resource."""
    names = {"project": "project__slug", "user": "user__username"}
    rows = Quota.objects.select_related("project", "user")
    return rows.filter(**{names.get(name, name): value for name, value in filters.items()})


def _keys(use: Use) -> Iterable[Key]:
    for backend in ("", use.backend) if use.backend else ("",):
        if use.project_id:
            yield (QuotaScope.PROJECT, use.project_id, None, backend)
        if use.user_id:
            yield (QuotaScope.USER, None, use.user_id, backend)
        if use.project_id and use.user_id:
            yield (QuotaScope.MEMBER, use.project_id, use.user_id, backend)
        if backend:
            yield (QuotaScope.BACKEND, None, None, backend)
