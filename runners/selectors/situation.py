"""Everything that the decision about a backend depends on, read at one moment."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from accounts.models import Project
from mlplatform.kernel import clock
from runners.admission import Claim, Rules, Totals
from runners.expected import UNKNOWN, Expect, Expected, nothing_known
from runners.limits import Limits, project_scope, project_user_scope, user_scope
from runners.models import Allocation, Lease
from runners.registry import backend_get
from runners.selectors.limits import limits_for
from runners.states import LIVE, AllocationState

# What runs longer than it should is taken to need this part of its usual time still.
AT_LEAST = 0.1
COLUMNS = (
    "id", "owner_id", "project_id", "user_id", "priority", "preemptible", "backend", "state", "workers",
    "cpus_per_worker", "gpus_per_worker", "memory_per_worker", "waiting_reason", "place", "starts_at", "starts_by",
    "freed_by", "created_at", "admitted_at", "submitted_at", "idle_since", "draining_at", "preempted_at",
)  # fmt: skip


@dataclass(frozen=True)
class Work:
    """Seconds of work before an allocation, and of one piece of it, at the median and late; None: unknown."""

    median: float | None
    late: float | None
    run: float | None
    run_late: float | None


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
    rows: dict[UUID, Allocation]


def situation(backend: str, expect: Expect = nothing_known) -> Situation:
    """Of everything that has not ended there. At most five queries besides those of `expect` and the limits."""
    live = Allocation.objects.filter(backend=backend, state__in=LIVE).order_by("created_at", "id")
    rows = {row.id: row for row in live.only(*COLUMNS)}
    waiting = [row for row in rows.values() if is_waiting(row)]
    holding = [row for row in rows.values() if not is_waiting(row)]
    now = clock.now().timestamp()
    room = backend_get(backend)
    begun = _begun(row.id for row in holding)
    expected = expect({row.owner_id for row in rows.values()}) if waiting else {}
    serving = Counter(row.owner_id for row in rows.values() if row.state != AllocationState.DRAINING)
    work = {
        row.id: _work(row, begun.get(row.id), expected.get(row.owner_id, UNKNOWN), serving[row.owner_id], now)
        for row in rows.values()
    }
    return Situation(
        waiting=[claim_of(row, work=work[row.id]) for row in waiting],
        holding=[claim_of(row, work=work[row.id], begun=row.id in begun, now=now) for row in holding],
        totals=Totals(room.cpus, room.gpus, room.memory),
        limits=limits_for(backend, rows.values()) if waiting else Limits(),
        rules=rules_for({row.project_id for row in rows.values() if row.project_id} if waiting else set()),
        now=now,
        work=work,
        rows=rows,
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


def claim_of(
    allocation: Allocation, *, work: Work | None = None, begun: bool = True, now: float | None = None
) -> Claim:
    """What it holds or asks for; `begun`: it works on something. No query."""
    waits = is_waiting(allocation)
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
        scopes=scopes_of(project, user),
        priority=allocation.priority,
        asked=allocation.created_at.timestamp(),
        since=0 if waits else _seconds(since),
        ends=now + work.median if work and now and not waits and work.median is not None else None,
        lasts=work.late if work and waits else None,
        draining=draining,
        leaving=allocation.preempted_at is not None or (draining and not begun),
        preemptible=allocation.preemptible,
    )


def scopes_of(project: UUID | None, user: int | None) -> tuple[str, ...]:
    """The limits that something of this project and person counts for."""
    found = []
    if project:
        found.append(project_scope(project))
    if user:
        found.append(user_scope(user))
    if project and user:
        found.append(project_user_scope(project, user))
    return tuple(found)


def _begun(pks: Iterable[UUID]) -> dict[UUID, datetime]:
    """Since when each of these allocations has worked on what it works on. One query."""
    leases = Lease.objects.filter(allocation__in=list(pks), released_at__isnull=True)
    return dict(leases.values_list("allocation_id", "created_at"))


def _work(row: Allocation, begun: datetime | None, expected: Expected, serving: int, now: float) -> Work:
    """What is queued is shared by the owner's allocations."""
    draining = row.state == AllocationState.DRAINING
    pieces = 0 if draining else math.ceil(expected.queued / max(serving, 1))
    if is_waiting(row):
        pieces = max(pieces, 1)

    def seconds(each: float | None) -> float | None:
        if each is None:
            return None
        left = max(each - (now - begun.timestamp()), AT_LEAST * each) if begun else 0
        return left + pieces * each

    return Work(seconds(expected.run), seconds(expected.run_late), expected.run, expected.run_late)


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at else 0
