"""Reading allocations and leases."""

from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from runners.models import Allocation, Lease
from runners.states import LIVE, AllocationState


def allocations_live(owner_id: UUID) -> list[Allocation]:
    """An owner's allocations that have not ended, oldest first."""
    return list(Allocation.objects.filter(owner_id=owner_id, state__in=LIVE))


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
