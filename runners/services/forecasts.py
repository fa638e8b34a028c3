"""Keeping what is foreseen of those who wait, where every page finds it."""

from datetime import UTC, datetime, timedelta

from django.core.cache import cache

from runners.admission import Decision
from runners.forecast import Forecast, Lengths, forecast
from runners.models import Allocation
from runners.selectors.situation import Situation

# It changes with every tick, but nobody reads it so often.
EVERY = timedelta(seconds=10)
FIELDS = ("place", "starts_at", "starts_by", "freed_by")
# A forecast that moves by less is the same one.
SAME = timedelta(seconds=5)
BATCH = 1000


def forecasts_keep(found: Situation, decision: Decision) -> None:
    """Write places and times of who waits on after the decision, now and then or when the line has changed."""
    backends = {row.backend for row in found.rows.values()}
    changed = bool(decision.admit or decision.release or decision.hand_over or decision.preempt)
    unplaced = any(found.rows[pk].place is None for pk in decision.line)
    key = f"forecast-{'-'.join(sorted(backends))}"
    if not (changed or unplaced) and not cache.add(key, 1, EVERY.total_seconds()):
        return
    waiting = {claim.id: claim for claim in found.waiting}
    started = [waiting[pk] for pk in decision.admit]
    median = {pk: Lengths(work.median, work.run) for pk, work in found.work.items()}
    late = {pk: Lengths(work.late, work.run_late) for pk, work in found.work.items()}
    foreseen = forecast(
        [waiting[pk] for pk in decision.line],
        [*found.holding, *started],
        found.totals,
        limits=found.limits,
        rules=found.rules,
        now=found.now,
        median=median,
        late=late,
    )
    changes = [row for pk, each in foreseen.items() if _set(row := found.rows[pk], each)]
    if changes:
        Allocation.objects.bulk_update(changes, FIELDS, batch_size=BATCH)


def _set(row: Allocation, each: Forecast) -> bool:
    """Whether it says something new."""
    starts_at, starts_by = _moment(each.starts), _moment(each.starts_late)
    new = (each.place, each.freed_by)
    if (
        new == (row.place, row.freed_by)
        and _same(starts_at, row.starts_at)
        and _same(starts_by, row.starts_by)
    ):
        return False
    row.place, row.freed_by = new
    row.starts_at, row.starts_by = starts_at, starts_by
    return True


def _same(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < SAME


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
