"""Writing points: what attempts send, and the chunks and levels that it becomes.

All of it under the run's lock. See docs/invariants/points.md.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from experiments.models import Run
from experiments.points import Points, joined, thinned
from experiments.selectors.points import (
    chunk_at,
    chunked_names_past,
    hot_names,
    hot_points,
    hot_rows_past,
    level_rows,
)
from experiments.system_metrics import PREFIX as SYSTEM
from mlplatform.broker import enqueue
from mlplatform.kernel import columns

COLUMNS = {
    "seq": "int8",
    "first_step": "int8",
    "last_step": "int8",
    "first_time": "float8",
    "last_time": "float8",
    "month": "int4",
    "attempt": "int4",
    "size": "int4",
    "level": "int2",
    "run_id": "uuid",
    "name": "varchar",
    "steps": "int8[]",
    "values": "float8[]",
    "times": "float8[]",
}
# Points of a chunk.
CHUNK = 4096
# Of so many points the next level keeps the extremes.
BUCKET = 32
# So many rows of a level become one of the next; that has as many points as each of them.
FAN = BUCKET // 2
# A metric of a run that goes on is compacted when so many of its rows or points are hot.
HOT_ROWS = 256
HOT_POINTS = 2 * CHUNK
# Metrics per transaction: reports of the run wait for it.
NAMES_AT_A_TIME = 50


class Row(NamedTuple):
    """One row to write. Chunks and levels have attempt 0."""

    name: str
    points: Points
    seq: int
    attempt: int = 0
    level: int = 0


def points_store(run: Run, *, attempt: int, seq: int, points: Mapping[str, Points]) -> None:
    """Add what one batch brought, by name; steps rise."""
    _write(run, (Row(name, found, seq, attempt) for name, found in points.items()))


def compact_later(run: Run, seq: int, sizes: Iterable[tuple[int, int]]) -> None:
    """Have the run compacted now and then. `sizes`: points of each metric now, and how many are new.

    What comes after the end comes seldom, so that it is worth it at once.
    """
    grown = any(size // HOT_POINTS != (size - new) // HOT_POINTS for size, new in sizes)
    if grown or seq % HOT_ROWS == 0 or run.is_terminal:
        enqueue("compact", str(run.id))


def points_compact(run_id: UUID) -> int:
    """Merge what batches brought into chunks; how many metrics that was done for. Repeating it changes nothing.

    While the run goes on, only what is worth it.
    """
    done = 0
    while True:
        with transaction.atomic():
            run = Run.objects.select_for_update(of=("self",), no_key=True).filter(pk=run_id).first()
            if run is None:
                return done
            # One row as long as a chunk may stay as it is.
            rows, points = (2, CHUNK + 1) if run.is_terminal else (HOT_ROWS, HOT_POINTS)
            names = hot_names(run, rows=rows, points=points, limit=NAMES_AT_A_TIME)
            for name in names:
                _compact(run, name)
        done += len(names)
        if len(names) < NAMES_AT_A_TIME:
            return done


def points_forget(run: Run, step: int) -> set[str]:
    """Delete all points after the step; the names of the metrics that had some.

    What workers said of their machines is no result of training, and is kept: its steps are times.
    """
    hot = hot_rows_past(run, step)
    chunked = chunked_names_past(run, step)
    past = run.batches.filter(level=0, attempt__gt=0, last_step__gt=step)
    past.exclude(name__startswith=SYSTEM).delete()
    left = ((row, row.points.pick(row.points.steps <= step)) for row in hot)
    _write(run, (Row(row.name, points, row.seq, row.attempt) for row, points in left if len(points)))
    for name in chunked:
        first = _first_chunk(run, name, step)
        points = joined(level_rows(run, name, 0, first))
        _rewrite(run, name, first, points.pick(points.steps <= step))
    return {row.name for row in hot}.union(chunked)


def _compact(run: Run, name: str) -> None:
    hot = hot_points(run, name)
    first = _first_chunk(run, name, int(hot.steps.min()))
    points = joined([*level_rows(run, name, 0, first), hot]).in_order()
    run.batches.filter(name=name, level=0, attempt__gt=0).delete()
    _rewrite(run, name, first, points)


def _first_chunk(run: Run, name: str, step: int) -> int:
    """From which chunk on to rewrite. Never the second: with it the first one gets its level."""
    number = chunk_at(run, name, step)
    return number if number > 1 else 0


def _rewrite(run: Run, name: str, first: int, points: Points) -> None:
    """Replace all chunks from the first one on by those of these points, and make what is above them anew.

    Row n of level 1 is made of chunk n; row n of each level above, of rows FAN x n and following of the level below.
    """
    below = [points.pick(slice(at, at + CHUNK)) for at in range(0, len(points), CHUNK)]
    rows = run.batches.filter(name=name)
    rows.filter(level=0, attempt=0, seq__gte=first).delete()
    made = [Row(name, chunk, first + index) for index, chunk in enumerate(below)]
    level = 0
    while first + len(below) > 1:
        level += 1
        fan = FAN if level > 1 else 1
        parent = first // fan
        # Those that stay, of the first parent.
        siblings = level_rows(run, name, level - 1, parent * fan) if first % fan else []
        members = [*siblings, *below]
        groups = [joined(members[at : at + fan]) for at in range(0, len(members), fan)]
        below, first = [thinned(group, BUCKET) for group in groups], parent
        rows.filter(level=level, seq__gte=first).delete()
        made += [Row(name, row, first + index, level=level) for index, row in enumerate(below)]
    rows.filter(level__gt=level).delete()
    _write(run, made)


def _write(run: Run, rows: Iterable[Row]) -> None:
    columns.copy("experiments_metricbatch", COLUMNS, (_cells(run, row) for row in rows))


def _cells(run: Run, row: Row) -> tuple[object, ...]:
    points = row.points
    return (
        row.seq,
        int(points.steps[0]),
        int(points.steps[-1]),
        float(points.times.min()),
        float(points.times.max()),
        run.month,
        row.attempt,
        len(points),
        row.level,
        run.pk,
        row.name,
        points.steps,
        points.values,
        points.times,
    )
