"""The ledger of what allocations held: one row for each and each day (UTC), added once and never changed.

Every step locks the allocations that it meters, so whoever repeats it, or does it at the same time, adds nothing.
docs/invariants/usage.md.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from mlplatform.kernel import clock
from runners.models import Allocation, UsageSlice
from runners.selectors.usage import unmetered

AT_A_TIME = 500


def usage_meter() -> int:
    """Add what is missing: all of those that have ended, of the others the days that are over.

    Returns how many rows.
    """
    begin = day_of(clock.now())
    due = unmetered().filter(Q(ended_at__isnull=False) | Q(submitted_at__lt=begin))
    due = due.exclude(ended_at__isnull=True, metered_until__gte=begin)
    added = 0
    while pks := list(due.order_by("submitted_at").values_list("pk", flat=True)[:AT_A_TIME]):
        added += usage_meter_some(pks, until=begin)
    return added


@transaction.atomic
def usage_meter_some(pks: list[UUID], *, until: datetime) -> int:
    """The same of some allocations: up to a moment, or to their end. Returns how many rows were added."""
    rows = Allocation.objects.select_for_update(of=("self",), no_key=True).filter(
        pk__in=pks, is_metered=False
    )
    slices: list[UsageSlice] = []
    changed = []
    for allocation in rows.select_related("project", "user").order_by("pk"):
        begun = allocation.metered_until or allocation.submitted_at
        ended = allocation.ended_at or until
        if begun is None or (begun >= ended and allocation.ended_at is None):
            continue
        slices += [_slice(allocation, *span) for span in days(begun, ended)]
        allocation.metered_until = max(begun, ended)
        allocation.is_metered = allocation.ended_at is not None
        changed.append(allocation)
    # The key is what makes a row exist once, should anything else fail to.
    UsageSlice.objects.bulk_create(slices, ignore_conflicts=True)
    Allocation.objects.bulk_update(changed, ["metered_until", "is_metered"])
    return len(slices)


def usage_settle(held: Q) -> None:
    """Up to this moment, for what is about to lose its name: a project or a person that is being deleted."""
    pks = list(unmetered().filter(held).values_list("pk", flat=True))
    usage_meter_some(pks, until=clock.now())


def day_of(at: datetime) -> datetime:
    """When its day began, in UTC."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def days(begun: datetime, ended: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time between, cut at midnight."""
    while begun < ended:
        border = min(day_of(begun) + timedelta(days=1), ended)
        yield begun, border
        begun = border


def _slice(allocation: Allocation, begun: datetime, ended: datetime) -> UsageSlice:
    project, user = allocation.project, allocation.user
    return UsageSlice(
        allocation_id=allocation.pk,
        owner_id=allocation.owner_id,
        project_id=project.pk if project else None,
        project_name=project.name if project else "",
        user_id=user.pk if user else None,
        user_name=user.username if user else "",
        backend=allocation.backend,
        begun_at=begun,
        ended_at=ended,
        month=clock.month_of(begun),
        cpus=allocation.cpus,
        gpus=allocation.gpus,
        memory=allocation.memory,
    )
