"""Reading allocations and leases."""

from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, FloatField, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Extract

from mlplatform.kernel import clock
from runners.models import Allocation, Lease
from runners.states import HOLDING, LIVE, AllocationState

HOUR = 3600


def allocations_live(owner_id: UUID) -> list[Allocation]:
    """An owner's allocations that have not ended, oldest first."""
    return list(Allocation.objects.filter(owner_id=owner_id, state__in=LIVE))


def allocations_all_live() -> list[Allocation]:
    """Everybody's allocations that have not ended, oldest first, without what is long in them. One query."""
    return list(Allocation.objects.filter(state__in=LIVE).defer("environment", "requirements", "end_detail"))


def places_in_line() -> dict[UUID, int]:
    """Of each owner with an allocation that waits: at which place of its backend's line the first one is. One query."""
    waiting = Allocation.objects.filter(state=AllocationState.WAITING, place__isnull=False)
    return dict(waiting.order_by("owner_id").values_list("owner_id").annotate(first=Min("place")))


def allocations_line(owner_ids: Iterable[UUID]) -> list[Allocation]:
    """What these owners have in the lines, in their order. One query."""
    waiting = Allocation.objects.filter(
        owner_id__in=list(owner_ids), state=AllocationState.WAITING, admitted_at=None
    )
    return list(waiting.order_by(F("place").asc(nulls_last=True), "created_at"))


def subjects_preempted() -> list[UUID]:
    """What is being worked on where room is to be made for somebody else. One query."""
    leases = Lease.objects.filter(
        released_at__isnull=True, allocation__preempted_at__isnull=False, allocation__state__in=HOLDING
    )
    return list(leases.values_list("subject_id", flat=True))


def subjects_held(allocation_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """What each of these allocations has leased now, by its id. One query."""
    leases = Lease.objects.filter(allocation__in=list(allocation_ids), released_at__isnull=True)
    return dict(leases.values_list("allocation_id", "subject_id"))


def allocations_of(owner_id: UUID) -> "QuerySet[Allocation]":
    """All allocations that an owner ever had."""
    return Allocation.objects.filter(owner_id=owner_id)


def silent_since(allocation: Allocation) -> datetime | None:
    """When something was last heard of a running allocation that has leased nothing now; None for any other."""
    if allocation.state != AllocationState.RUNNING or allocation.leases.filter(released_at=None).exists():
        return None
    ended = allocation.leases.order_by("-id").values_list("released_at", flat=True).first()
    return max((at for at in (allocation.running_at, allocation.seen_at, ended) if at), default=None)


def allocation_packages(pk: UUID) -> list[str]:
    """What is installed where the allocation runs, as name==version; empty if its workers have not told yet."""
    return allocations_packages([pk])[pk]


def allocations_packages(pks: Iterable[UUID]) -> dict[UUID, list[str]]:
    """The same of several, also of those that are not there any more. One query."""
    wanted = list(pks)
    rows = Allocation.objects.filter(pk__in=wanted).values_list("pk", "environment__packages")
    return {pk: [] for pk in wanted} | {pk: [str(line) for line in lines or []] for pk, lines in rows}


def leases_active(subject_ids: Iterable[UUID]) -> dict[UUID, Lease]:
    """The active lease of each subject that has one."""
    leases = Lease.objects.filter(subject_id__in=list(subject_ids), released_at__isnull=True)
    return {lease.subject_id: lease for lease in leases.select_related("allocation")}


def lease_last(subject_id: UUID) -> Lease | None:
    """The newest lease of a subject, active or not."""
    return Lease.objects.filter(subject_id=subject_id).order_by("-id").first()


def failed_in_a_row(owner_id: UUID) -> list[Allocation]:
    """The owner's newest allocations that failed without ever leasing anything, newest first, at most ten.

    Those that still try are passed over. One query.
    """
    leased = Exists(Lease.objects.filter(allocation=OuterRef("pk")))
    tried = allocations_of(owner_id).annotate(leased=leased).filter(Q(leased=True) | Q(state="ended"))
    never_leased = takewhile(lambda allocation: not allocation.leased, tried.order_by("-created_at")[:10])
    return [a for a in never_leased if a.end_reason in ("failed", "submit_failed", "start_timeout")]


def resource_hours(owner_ids: "QuerySet[Any, Any]") -> tuple[float, float]:
    """Hours of CPUs and of GPUs that all allocations of these owners have held. One query."""
    held = Extract(Coalesce(F("ended_at"), clock.now()) - F("submitted_at"), "epoch") * F("workers")
    found = Allocation.objects.filter(owner_id__in=owner_ids, submitted_at__isnull=False).aggregate(
        cpus=Sum(held * F("cpus_per_worker"), output_field=FloatField()),
        gpus=Sum(held * F("gpus_per_worker"), output_field=FloatField()),
    )
    return (found["cpus"] or 0.0) / HOUR, (found["gpus"] or 0.0) / HOUR
