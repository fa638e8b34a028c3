"""How much of quotas is used; of a default, by whoever uses the most of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import Project, Quota, User
from accounts.models.quota import SIZES
from accounts.selectors.quotas import Holder, Key
from experiments.selectors.quotas import Line, uses


@dataclass(frozen=True)
class QuotaUse:
    """`line` is None where nothing adds up; `who` uses the most of a default, `beyond` are near its end or further."""

    line: Line | None
    who: str = ""
    beyond: int = 0


def quota_uses(quotas: Sequence[Quota]) -> dict[int, QuotaUse]:
    """By id. Eleven queries at most, however many there are."""
    tally = uses({quota.resource for quota in quotas}, all_of_it=True) if quotas else None
    if tally is None:
        return {}
    own = set(_own())
    found: dict[int, tuple[list[Line], list[Key]]] = {}
    for quota in quotas:
        key: Key = (quota.scope, quota.project_id, quota.user_id, quota.backend)
        keys = [key]
        if _is_default(quota):
            others = tally.keys(quota.scope, quota.backend)
            within = [one for one in others if quota.project_id in (None, one[1])]
            keys = [one for one in within if (*one, quota.resource) not in own]
        amounts = {one: tally.of(one, quota.resource) for one in keys}
        keys.sort(key=lambda one: -amounts[one])
        found[quota.pk] = ([_line(quota, amounts[one]) for one in keys], keys)
    names = _names({keys[0] for _, keys in found.values() if keys})
    return {
        quota.pk: _use(quota, *found[quota.pk], names) if quota.resource not in SIZES else QuotaUse(None)
        for quota in quotas
    }


def _use(quota: Quota, lines: list[Line], keys: list[Key], names: dict[Any, str]) -> QuotaUse:
    if not _is_default(quota):
        return QuotaUse(lines[0])
    if not lines or not lines[0].used:
        return QuotaUse(_line(quota, 0.0))
    _, project, user, _ = keys[0]
    who = names.get(user or project, "") if quota.scope != "member" else names.get(user, "")
    return QuotaUse(lines[0], who or "somebody who is gone", sum(bool(line.level) for line in lines))


def _line(quota: Quota, used: float) -> Line:
    holder = Holder(quota.scope, quota.project_id, quota.user_id, quota.holder)
    return Line(holder, quota.backend, quota.resource, used, quota.soft, quota.hard)


def _is_default(quota: Quota) -> bool:
    match quota.scope:
        case "project":
            return quota.project_id is None
        case "user" | "member":
            return quota.user_id is None
    return False


def _own() -> Iterator[tuple[Any, ...]]:
    columns = ("scope", "project_id", "user_id", "backend", "resource")
    yield from Quota.objects.exclude(project=None, user=None).values_list(*columns)


def _names(keys: set[Key]) -> dict[Any, str]:
    projects = Project.objects.filter(pk__in={project for _, project, _, _ in keys if project})
    people = User.objects.filter(pk__in={user for _, _, user, _ in keys if user})
    return dict(projects.values_list("pk", "name")) | dict(people.values_list("pk", "username"))
