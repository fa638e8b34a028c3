"""Everything that the decision about a backend depends on, read at one moment."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from accounts.models import Project
from mlplatform.kernel import clock
from runners.admission import Claim, Rules, Totals
from runners.expected import UNKNOWN, Expect, Expected, nothing_known
from runners.limits import Limits, scopes_of
from runners.models import Allocation, Lease
from runners.registry import backend_get
from runners.selectors.limits import limits_for
from runners.states import LIVE, AllocationState

# What runs longer than it should is taken to need this part of its usual time still.
AT_LEAST = 0.1
LONG = ("environment", "requirements", "end_detail")


class Asking(NamedTuple):
    """A row of what waits. Thousands may, and this is read every two seconds: a model instance takes too long."""

    id: UUID
    owner_id: UUID
    project_id: UUID | None
    user_id: int | None
    priority: int
    workers: int
    cpus_per_worker: float
    gpus_per_worker: float
    memory_per_worker: float
    waiting_reason: str
    place: int | None
    starts_at: datetime | None
    starts_by: datetime | None
    freed_by: UUID | None
    created_at: datetime


@dataclass(frozen=True)
class Work:
    """Seconds of work before an allocation, and of one piece of it, at the median and late; None: unknown."""

    median: float | None
    late: float | None
    run: float | None
    run_late: float | None


NO_WORK = Work(None, None, None, None)


@dataclass(frozen=True)
class Situation:
    """What waits for a backend and what holds it. Times are those of the clock, in seconds."""

    waiting: list[Claim]
    holding: list[Claim]
    totals: Totals
    limits: Limits
    rules: Rules
    now: float
    work: dict[UUID, Work]
    # By id.
    asking: dict[UUID, Asking]
    held: dict[UUID, Allocation]


def situation(backend: str, expect: Expect = nothing_known) -> Situation:
    """Of everything that has not ended there. Five queries at most besides those of `expect` and the limits."""
    live = Allocation.objects.filter(backend=backend, state__in=LIVE)
    has_place = Q(admitted_at__isnull=False) | ~Q(state=AllocationState.WAITING)
    columns = live.exclude(has_place).values_list(*Asking._fields)
    asking = {row.id: row for row in map(Asking._make, columns)}
    held = {row.id: row for row in live.filter(has_place).defer(*LONG)}
    now = clock.now().timestamp()
    room = backend_get(backend)
    begun = _begun(held)
    serving = Counter(row.owner_id for row in held.values() if row.state != AllocationState.DRAINING)
    serving.update(row.owner_id for row in asking.values())
    everybody = {(row.project_id, row.user_id) for row in asking.values()}
    if asking:
        everybody |= {(row.project_id, row.user_id) for row in held.values()}
    expected = expect(set(serving)) if asking else {}
    work = {
        pk: _work_of(row, begun.get(pk), expected.get(row.owner_id, UNKNOWN), serving[row.owner_id], now)
        for pk, row in held.items()
    }
    work |= {
        pk: _work_asked(expected.get(row.owner_id, UNKNOWN), serving[row.owner_id])
        for pk, row in asking.items()
    }
    return Situation(
        waiting=[_asking_claim(row, backend, work[row.id]) for row in asking.values()],
        holding=[claim_of(row, work=work[pk], begun=pk in begun, now=now) for pk, row in held.items()],
        totals=Totals(room.cpus, room.gpus, room.memory),
        limits=limits_for(
            backend,
            [Allocation(project_id=project, user_id=user, backend=backend) for project, user in everybody],
        )
        if asking
        else Limits(),
        rules=rules_for({project for project, _ in everybody if project}),
        now=now,
        work=work,
        asking=asking,
        held=held,
    )


def is_waiting(allocation: Allocation) -> bool:
    """Whether it has no place yet."""
    return allocation.state == AllocationState.WAITING and allocation.admitted_at is None


def rules_for(projects: Iterable[UUID]) -> Rules:
    """With the weights of these projects. At most one query."""
    wanted = set(projects)
    rows = Project.objects.filter(pk__in=wanted).exclude(weight=1) if wanted else Project.objects.none()
    return Rules(
        patience=settings.QUEUE_PATIENCE_SECONDS,
        turn=settings.QUEUE_TURN_SECONDS,
        min_run=settings.QUEUE_TURN_SECONDS,
        weights={str(pk): weight for pk, weight in rows.values_list("pk", "weight")},
    )


def claim_of(allocation: Allocation, *, work: Work | None, begun: bool, now: float) -> Claim:
    """What it holds; `begun`: it works on something. No query."""
    draining = allocation.state == AllocationState.DRAINING
    project, user = allocation.project_id, allocation.user_id
    since = allocation.submitted_at or allocation.admitted_at
    return Claim(
        id=allocation.id,
        cpus=allocation.cpus,
        gpus=allocation.gpus,
        memory=allocation.memory,
        idle=allocation.idle_since is not None and allocation.state == AllocationState.RUNNING,
        project=str(project or ""),
        user=str(user or ""),
        scopes=scopes_of(allocation.backend, project, user),
        priority=allocation.priority,
        asked=allocation.created_at.timestamp(),
        since=since.timestamp() if since else 0,
        ends=now + work.median if work and work.median is not None else None,
        draining=draining,
        leaving=allocation.preempted_at is not None or (draining and not begun),
        preemptible=allocation.preemptible,
    )


def _asking_claim(row: Asking, backend: str, work: Work) -> Claim:
    return Claim(
        id=row.id,
        cpus=row.workers * row.cpus_per_worker,
        gpus=row.workers * row.gpus_per_worker,
        memory=row.workers * row.memory_per_worker,
        project=str(row.project_id or ""),
        user=str(row.user_id or ""),
        scopes=scopes_of(backend, row.project_id, row.user_id),
        priority=row.priority,
        asked=row.created_at.timestamp(),
        lasts=work.late,
    )


def _begun(pks: Iterable[UUID]) -> dict[UUID, datetime]:
    """Since when each of these allocations has worked on what it works on. One query."""
    leases = Lease.objects.filter(allocation__in=list(pks), released_at__isnull=True)
    return dict(leases.values_list("allocation_id", "created_at"))


def _work_of(row: Allocation, begun: datetime | None, expected: Expected, serving: int, now: float) -> Work:
    """What it works on, and its part of what is queued: that is shared by the owner's allocations."""
    draining = row.state == AllocationState.DRAINING
    pieces = 0 if draining else math.ceil(expected.queued / max(serving, 1))

    def seconds(each: float | None) -> float | None:
        if each is None:
            return None
        left = max(each - (now - begun.timestamp()), AT_LEAST * each) if begun else 0
        return left + pieces * each

    return Work(seconds(expected.run), seconds(expected.run_late), expected.run, expected.run_late)


def _work_asked(expected: Expected, serving: int) -> Work:
    if expected is UNKNOWN:
        return NO_WORK
    pieces = max(math.ceil(expected.queued / max(serving, 1)), 1)
    times = [None if each is None else pieces * each for each in (expected.run, expected.run_late)]
    return Work(times[0], times[1], expected.run, expected.run_late)
