"""What quotas say about a backend's line: caps of what may be held at one time, and gates where a month is used up."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from accounts.models import Project, QuotaScope, Resource, User
from accounts.models.quota import MONTHLY
from accounts.selectors.quotas import BACKENDS, Applied, Holder, Tally, holder_of, quotas_applied
from mlplatform.http.templatetags import number
from mlplatform.kernel import clock
from runners.limits import Cap, Gate, Limits, backend_scope, project_scope, project_user_scope, user_scope
from runners.models import Allocation
from runners.selectors.usage import held_now, hours_in, month_span

# Of a quota, as admission calls it.
CAPPED = {
    Resource.CPUS.value: "cpus",
    Resource.GPUS.value: "gpus",
    Resource.MEMORY.value: "memory",
    Resource.RUNNING_RUNS.value: "jobs",
}
HOURS = {Resource.CPU_HOURS.value: "CPU-hours", Resource.GPU_HOURS.value: "GPU-hours"}


def limits_for(backend: str, allocations: Iterable[Allocation]) -> Limits:
    """Everything that applies to these allocations, which wait or hold something, at one backend. Six queries at most.

    A limit that counts all backends is told less what is held at the others, so whoever decides for one backend after
    the other has to ask again for each, under one lock.
    """
    applied = [
        one
        for one in quotas_applied(_holders(allocations), [*CAPPED, *MONTHLY])
        if one.hard is not None and one.backend in ("", backend)
    ]
    caps = [one for one in applied if one.resource in CAPPED]
    hours = [one for one in applied if one.resource in MONTHLY]
    return Limits(_caps(backend, caps), gates(hours, clock.now()))


def gates(hours: Iterable[Applied], now: datetime) -> list[Gate]:
    """Of monthly limits, those that are reached."""
    limits = list(hours)
    tally = Tally(hours_in(clock.month_of(now))) if limits else Tally()
    return [
        Gate(scope_of(one.holder, one.backend), used_up(one, now))
        for one in limits
        if one.hard is not None and tally.of(one.key, one.resource) >= one.hard
    ]


def used_up(one: Applied, now: datetime) -> str:
    """A sentence about a month without hours left."""
    _, next_month = month_span(clock.month_of(now))
    who = one.words[:1].upper() + one.words[1:]
    return (
        f"{who} has used its {number(one.hard)} {HOURS[one.resource]} of {now:%B}; more from {next_month:%-d %B}, "
        "or when an administrator raises the quota."
    )


def scope_of(holder: Holder, backend: str) -> str:
    """A holder as admission calls it."""
    match holder.scope:
        case QuotaScope.PROJECT:
            return project_scope(holder.project_id)
        case QuotaScope.USER:
            return user_scope(holder.user_id)
        case QuotaScope.MEMBER:
            return project_user_scope(holder.project_id, holder.user_id)
    return backend_scope(backend)


def _caps(backend: str, limits: list[Applied]) -> list[Cap]:
    elsewhere = Tally()
    if any(not one.backend for one in limits):
        elsewhere = Tally(held_now(~Q(backend=backend)))
    caps = []
    for one in limits:
        held = 0.0 if one.backend else elsewhere.of(one.key, one.resource)
        words = f"{one.words} (besides {number(held)} at other backends)" if held else one.words
        left = max((one.hard or 0.0) - held, 0.0)
        caps.append(Cap(scope_of(one.holder, one.backend), CAPPED[one.resource], left, words))
    return caps


def _holders(allocations: Iterable[Allocation]) -> list[Holder]:
    """Two queries."""
    pairs = {(each.project_id, each.user_id) for each in allocations}
    projects = Project.objects.only("name").in_bulk({project for project, _ in pairs if project})
    people = User.objects.only("username").in_bulk({user for _, user in pairs if user})
    holders = [BACKENDS]
    holders += [holder_of(project) for project in projects.values()]
    holders += [holder_of(user=user) for user in people.values()]
    holders += [
        holder_of(projects[project], people[user])
        for project, user in pairs
        if project in projects and user in people
    ]
    return holders
