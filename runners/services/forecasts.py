"""Keeping what is foreseen of those who wait, where every page finds it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import connection

from runners.admission import Decision
from runners.forecast import MOST, Forecast, Lengths, forecast
from runners.models import Allocation
from runners.selectors.situation import Asking, Situation
from runners.services.line import line_changed
from runners.states import AllocationState

# It changes with every tick, but nobody reads it so often.
EVERY = timedelta(seconds=10)
FIELDS = ("place", "starts_at", "starts_by", "freed_by")
# A forecast that moves by less is the same one.
SAME = timedelta(seconds=5)
PLACES = """
    UPDATE runners_allocation AS a SET place = v.place, starts_at = NULL, starts_by = NULL, freed_by = NULL
    FROM unnest(%s::uuid[], %s::int[]) AS v (id, place)
    WHERE a.id = v.id AND a.state = 'waiting' AND a.place IS DISTINCT FROM v.place
"""


def forecasts_keep(backend: str, found: Situation, decision: Decision) -> None:
    """Write places and times of who waits on after the decision: of those in front when it changes, else now and then.

    Whoever cannot start at all has no place.
    """
    line = [pk for pk in decision.line if pk in decision.foreseeable]
    changed = bool(decision.admit or decision.release or decision.hand_over or decision.preempt)
    news = changed or any(found.asking[pk].place is None for pk in line[:MOST])
    all_of_it = cache.add(f"forecast-{backend}", 1, EVERY.total_seconds())
    if news or all_of_it:
        _keep_front(found, decision, line[:MOST])
    if all_of_it:
        _keep_places(line[MOST:], decision)


def _keep_front(found: Situation, decision: Decision, line: Sequence[UUID]) -> None:
    waiting = {claim.id: claim for claim in found.waiting}
    started = [replace(waiting[pk], since=found.now) for pk in decision.admit]
    foreseen = forecast(
        [waiting[pk] for pk in line],
        [*found.holding, *started],
        found.totals,
        limits=found.limits,
        rules=found.rules,
        now=found.now,
        median={pk: Lengths(work.median, work.run) for pk, work in found.work.items()},
        late={pk: Lengths(work.late, work.run_late) for pk, work in found.work.items()},
    )
    changes = [_row(pk, each) for pk, each in foreseen.items() if _is_new(found.asking[pk], each)]
    if changes:
        Allocation.objects.bulk_update(changes, FIELDS)
        line_changed()


def _keep_places(rest: Sequence[UUID], decision: Decision) -> None:
    """Of the many who are further behind, in one statement: each one's place changes with everyone who starts."""
    stuck = [pk for pk in decision.reasons if pk not in decision.foreseeable]
    behind = Allocation.objects.filter(state=AllocationState.WAITING)
    behind.filter(pk__in=stuck, place__isnull=False).update(place=None, starts_at=None, starts_by=None)
    with connection.cursor() as cursor:
        cursor.execute(PLACES, [list(rest), list(range(MOST + 1, MOST + 1 + len(rest)))])


def _is_new(row: Asking, each: Forecast) -> bool:
    return (
        (each.place, each.freed_by) != (row.place, row.freed_by)
        or not _same(_moment(each.starts), row.starts_at)
        or not _same(_moment(each.starts_late), row.starts_by)
    )


def _row(pk: UUID, each: Forecast) -> Allocation:
    starts = {"starts_at": _moment(each.starts), "starts_by": _moment(each.starts_late)}
    return Allocation(pk=pk, place=each.place, freed_by=each.freed_by, **starts)


def _same(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < SAME


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
