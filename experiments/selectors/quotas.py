"""How much of each quota is used: what people see before they launch, on their pages and over REST."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from accounts.models import Project, QuotaScope, Resource, User
from accounts.models.quota import MONTHLY, SIZES
from accounts.selectors.quotas import Applied, Holder, Tally, Use, holder_of, holders_for, quotas_applied
from experiments.models import Run
from experiments.selectors.storage import GIB, storage_uses, stored_by
from experiments.states import RunState
from mlplatform.http.templatetags import binary_size, number
from mlplatform.kernel import clock
from runners.selectors.limits import CAPPED
from runners.selectors.usage import held_now, hours_in

RESOURCES = [each.value for each in Resource]
# On the dashboard.
SHOWN = 4


@dataclass(frozen=True)
class Line:
    """A resource of a holder. Without a quota both values are None; `used` is None where nothing adds up."""

    holder: Holder
    backend: str
    resource: str
    used: float | None
    soft: float | None = None
    hard: float | None = None

    @property
    def unit(self) -> str:
        """In words."""
        return Resource(self.resource).label

    @property
    def left(self) -> float | None:
        """What may still be asked for; None without a limit."""
        return None if self.hard is None else max(self.hard - (self.used or 0.0), 0.0)

    @property
    def level(self) -> str:
        """hard: nothing is left; soft: not much; else empty."""
        if self.used is None:
            return ""
        if self.hard is not None and self.used >= self.hard:
            return "hard"
        return "soft" if self.soft is not None and self.used >= self.soft else ""

    @property
    def top(self) -> float:
        """Where a bar ends."""
        return self.hard or max(self.soft or 0.0, self.used or 0.0) or 1.0

    @property
    def filled(self) -> float:
        """How far the bar is filled, of 100."""
        return round(min((self.used or 0.0) / self.top, 1.0) * 100, 2) if self.has_limit else 0.0

    @property
    def soft_at(self) -> float | None:
        """Where in the bar the warning begins, of 100."""
        return None if self.soft is None or self.soft >= self.top else round(self.soft / self.top * 100, 2)

    @property
    def has_limit(self) -> bool:
        """Whether there is anything to compare with."""
        return self.soft is not None or self.hard is not None

    @property
    def words(self) -> str:
        """Used of how much, in words."""
        limit = self.soft if self.hard is None else self.hard
        if self.used is None:
            return f"at most {self._shown(limit)}" if limit is not None else "no limit"
        return (
            self._shown(self.used) if limit is None else f"{self._shown(self.used)} of {self._shown(limit)}"
        )

    def _shown(self, value: float) -> str:
        return (
            binary_size(value * GIB) if self.resource == Resource.STORAGE else number(float(round(value, 2)))
        )

    @property
    def title(self) -> str:
        """The unit, without what `words` say."""
        return {Resource.STORAGE.value: "Storage"}.get(self.resource, self.unit[:1].upper() + self.unit[1:])


def uses(
    resources: Collection[str],
    projects: Collection[Project] = (),
    user: User | None = None,
    *,
    all_of_it: bool = False,
) -> Tally:
    """What is used of these resources in the projects, and by the person anywhere. Eight queries at most."""
    pks = [project.pk for project in projects]
    held, runs = Q(project_id__in=pks), Q(experiment__project__in=pks)
    if user:
        held, runs = held | Q(user_id=user.pk), runs | Q(experiment__created_by=user)
    if all_of_it:
        held, runs = Q(), Q()
    asked, found = set(resources), list[Use]()
    if asked & CAPPED.keys():
        found += held_now(held)
    if asked & MONTHLY:
        found += hours_in(clock.month_of(clock.now()), held)
    if Resource.QUEUED_RUNS in asked:
        found += queued(runs)
    if Resource.STORAGE in asked:
        found += storage_uses(stored_by(None if all_of_it else (pks, user)))
    return Tally(found)


def queued(wanted: Q) -> list[Use]:
    """Queued runs by project, person and backend. One query."""
    rows = Run.objects.filter(wanted, state=RunState.QUEUED).order_by()
    who = ("experiment__project", "experiment__created_by", "experiment__backend")
    return [
        Use(project, user, backend, {Resource.QUEUED_RUNS: count})
        for project, user, backend, count in rows.values_list(*who).annotate(count=Count("*"))
    ]


def project_lines(project: Project, *, everything: bool = False) -> list[Line]:
    """A project's quotas; with `everything` also what has none. One query without any."""
    applied = _applied(holder_of(project), everything=everything)
    return _lines(applied, uses({one.resource for one in applied}, [project]))


def person_lines(user: User, *, everything: bool = False) -> list[Line]:
    """A person's quotas; with `everything` also what has none."""
    applied = _applied(holder_of(user=user), everything=everything)
    return _lines(applied, uses({one.resource for one in applied}, user=user))


def lines_for(project: Project, user: User, resources: Collection[str] = RESOURCES) -> list[Line]:
    """All quotas that apply to what a person does in a project, also those of backends."""
    holders = holders_for(project, user)
    applied = quotas_applied(holders, resources)
    if not applied:
        return []
    of_backends = any(one.holder.scope == QuotaScope.BACKEND for one in applied)
    tally = uses({one.resource for one in applied}, [project], user, all_of_it=of_backends)
    return [_line(one, tally) for one in applied]


def dashboard_lines(user: User, projects: Sequence[Project]) -> list[Line]:
    """Of a person and their projects: what is near its end, then the rest by how much of it is used. Five queries.

    Storage takes longer to add up; pages of projects show it.
    """
    holders = [holder_of(user=user), *(holder_of(project) for project in projects)]
    quick = [resource for resource in RESOURCES if resource not in {Resource.STORAGE, *SIZES}]
    applied = [one for one in quotas_applied(holders, quick) if one.soft is not None or one.hard is not None]
    if not applied:
        return []
    tally = uses({one.resource for one in applied}, projects, user)
    lines = [_line(one, tally) for one in applied]
    levels = {"hard": 0, "soft": 1, "": 2}
    return sorted(lines, key=lambda line: (levels[line.level], -(line.used or 0.0) / line.top))[:SHOWN]


def warnings(lines: Iterable[Line]) -> list[Line]:
    """Those that are near their end or beyond, the worst first."""
    return sorted((line for line in lines if line.level), key=lambda line: line.level != "hard")


def _applied(holder: Holder, *, everything: bool) -> list[Applied]:
    found = quotas_applied([holder])
    said = {one.resource for one in found if not one.backend}
    missing = [resource for resource in RESOURCES if resource not in {*SIZES, *said}]
    return found + [Applied(holder, "", resource, None, None) for resource in missing if everything]


def _lines(applied: list[Applied], tally: Tally) -> list[Line]:
    found = [_line(one, tally) for one in applied]
    return sorted(found, key=lambda line: (line.backend, RESOURCES.index(line.resource)))


def _line(one: Applied, tally: Tally) -> Line:
    used = None if one.resource in SIZES else tally.of(one.key, one.resource)
    return Line(one.holder, one.backend, one.resource, used, one.soft, one.hard)
