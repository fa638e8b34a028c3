"""Leases: the right to work on a subject. Call these in the transaction that changes the subject."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from mlplatform.broker import enqueue
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict
from runners.models import Allocation, Lease, WorkerGroup
from runners.services.outage import pass_was_late, portal_was_away


class Fenced(Conflict):
    """The lease is no longer the sender's."""

    code = "fenced"


def lease_grant(allocation: Allocation, *, subject_id: UUID, attempt: int) -> Lease:
    """New lease for the allocation's current worker group. The database allows one active lease per subject."""
    return Lease.objects.create(
        allocation=allocation,
        subject_id=subject_id,
        attempt=attempt,
        group_id=allocation.group_id,
        expires_at=clock.now() + timedelta(seconds=settings.LEASE_SECONDS),
    )


def lease_held(allocation: Allocation) -> Lease | None:
    """What the current worker group of an allocation holds now."""
    return allocation.leases.filter(released_at__isnull=True, group_id=allocation.group_id).first()


def lease_renew(allocation: Allocation, fence: int, *, subject_id: UUID, attempt: int) -> bool:
    """Extend the allocation's active lease on this attempt; False if it is not (any longer) theirs."""
    lease = Lease.objects.filter(pk=fence, allocation=allocation, subject_id=subject_id, attempt=attempt)
    expiry = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
    return bool(lease.filter(released_at__isnull=True).update(expires_at=expiry))


def lease_release(fence: int, reason: str) -> bool:
    """End a lease; False if it had ended already."""
    return bool(
        Lease.objects.filter(pk=fence, released_at__isnull=True).update(
            released_at=clock.now(), release_reason=reason
        )
    )


def leases_release_expired() -> None:
    """End every lease whose holder was not heard of in time.

    A holder that could not reach us was not silent: while the portal was away, leases are extended instead, so that
    what it kept meanwhile still counts.
    """
    expired = Lease.objects.filter(released_at__isnull=True, expires_at__lt=clock.now())
    found = expired.exists()
    # Only now: while the database was away there were no passes, whoever called us.
    was_late = pass_was_late()
    if not found:
        return
    if was_late or portal_was_away():
        expired.update(expires_at=clock.now() + timedelta(seconds=settings.LEASE_SECONDS))
    else:
        expired.update(released_at=clock.now(), release_reason="lease_lost")


def group_died(allocation: Allocation, *, code: str, detail: str, died_at: datetime) -> int:
    """The worker group that worked until `died_at` is gone: end what it held. Leases of a later one stay."""
    held = allocation.leases.filter(released_at__isnull=True, created_at__lt=died_at)
    ended = held.update(released_at=clock.now(), release_reason=code, release_detail=detail)
    if ended:
        enqueue("settle_losses")
    return ended


def group_join(allocation: Allocation, group_id: str) -> bool:
    """A worker group reports in; whether it is a new one. The caller has locked the allocation.

    Leases of an earlier group of this allocation end: its workers are gone. Raises Fenced for one of these, whose
    request was on its way for long.
    """
    if allocation.group_id == group_id:
        return False
    _, is_new = WorkerGroup.objects.get_or_create(allocation=allocation, name=group_id)
    if not is_new:
        raise Fenced(f"The worker group {group_id} was replaced by another one, so it gets no more work.")
    old = allocation.leases.filter(released_at__isnull=True).exclude(group_id=group_id)
    old.update(released_at=clock.now(), release_reason="worker_died")
    allocation.group_id = group_id
    allocation.save(update_fields=["group_id"])
    return True
