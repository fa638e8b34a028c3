"""Reading points as they are stored: hot rows, chunks and levels. For charts and the like see selectors/series.py."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from experiments.models import Run
from experiments.points import Points, joined
from experiments.system_metrics import PREFIX as SYSTEM
from mlplatform.kernel import clock, columns

HOT = """
    SELECT steps, "values", times FROM experiments_metricbatch
    WHERE month = %(month)s AND run_id = %(run)s AND name = %(name)s AND level = 0 AND attempt > 0
    ORDER BY attempt, seq"""
HOT_NAMES = """
    SELECT name FROM experiments_metricbatch
    WHERE month = %(month)s AND run_id = %(run)s AND level = 0 AND attempt > 0
    GROUP BY name HAVING count(*) >= %(rows)s OR sum(size) >= %(points)s
    ORDER BY name LIMIT %(limit)s"""
LEVEL = """
    SELECT steps, "values", times FROM experiments_metricbatch
    WHERE month = %(month)s AND run_id = %(run)s AND name = %(name)s AND level = %(level)s AND attempt = 0
        AND seq >= %(first)s
    ORDER BY seq"""
CHUNK_AT = """
    SELECT coalesce(min(seq) FILTER (WHERE last_step > %(step)s), max(seq), 0) FROM experiments_metricbatch
    WHERE month = %(month)s AND run_id = %(run)s AND name = %(name)s AND level = 0 AND attempt = 0"""
REACHING_PAST = """
    SELECT name, attempt, seq, steps, "values", times FROM experiments_metricbatch
    WHERE month = %(month)s AND run_id = %(run)s AND level = 0 AND last_step > %(step)s AND attempt > 0
        AND NOT starts_with(name, %(kept)s)"""
CHUNKS_PAST = """
    SELECT DISTINCT name FROM experiments_metricbatch
    WHERE month = %(month)s AND run_id = %(run)s AND level = 0 AND last_step > %(step)s AND attempt = 0
        AND NOT starts_with(name, %(kept)s)"""
# The highest level and what is not compacted yet have the extremes and the ends of all.
OUTLINE = """
    SELECT name, steps, "values", times FROM experiments_metricbatch b
    WHERE month = %(month)s AND run_id = %(run)s AND name = ANY(%(names)s) AND (
        level = 0 AND attempt > 0 OR attempt = 0 AND level = (
            SELECT max(level) FROM experiments_metricbatch top
            WHERE top.month = b.month AND top.run_id = b.run_id AND top.name = b.name))
    ORDER BY name, attempt, seq"""
SIZES = """
    SELECT name, sum(size)::bigint FROM experiments_metricbatch
    WHERE month = %(month)s AND run_id = %(run)s AND name = ANY(%(names)s) AND level = 0
    GROUP BY name"""

# Finished runs that have something left to compact.
OVERLOOKED = """
    SELECT DISTINCT run_id FROM (
        SELECT run_id FROM experiments_metricbatch b JOIN experiments_run r ON r.id = b.run_id
        WHERE r.ended_at > %(since)s AND b.level = 0 AND b.attempt > 0
        GROUP BY run_id, b.name HAVING count(*) > 1
    ) AS found LIMIT 1000"""


class HotRow(NamedTuple):
    """What one batch brought of one metric."""

    name: str
    attempt: int
    seq: int
    points: Points


def hot_points(run: Run, name: str) -> Points:
    """What is not compacted yet, in the order of arrival."""
    return joined([Points(*row) for row in _fetch(run, HOT, name=name)])


def hot_names(run: Run, *, rows: int, points: int, limit: int) -> list[str]:
    """Metrics of which so many rows or points are not compacted yet."""
    return [name for (name,) in _fetch(run, HOT_NAMES, rows=rows, points=points, limit=limit)]


def level_rows(run: Run, name: str, level: int, first: int) -> list[Points]:
    """The rows of a level from one of them on; those of level 0 are the chunks."""
    return [Points(*row) for row in _fetch(run, LEVEL, name=name, level=level, first=first)]


def chunk_at(run: Run, name: str, step: int) -> int:
    """Number of the chunk from which on something changes when points after the step come or go."""
    ((number,),) = _fetch(run, CHUNK_AT, name=name, step=step)
    return int(number)


def hot_rows_past(run: Run, step: int) -> list[HotRow]:
    """Batches that reach past the step."""
    found = _fetch(run, REACHING_PAST, step=step, kept=SYSTEM)
    return [HotRow(name, attempt, seq, Points(*cells)) for name, attempt, seq, *cells in found]


def chunked_names_past(run: Run, step: int) -> list[str]:
    """Metrics of which a chunk reaches past the step."""
    return [name for (name,) in _fetch(run, CHUNKS_PAST, step=step, kept=SYSTEM)]


def outlines(run: Run, names: Iterable[str]) -> dict[str, Points]:
    """Of each metric few points, the extremes and both ends among them."""
    parts: dict[str, list[Points]] = {}
    for name, *found in _fetch(run, OUTLINE, names=list(names)):
        parts.setdefault(name, []).append(Points(*found))
    return {name: joined(found).in_order() for name, found in parts.items()}


def sizes(run: Run, names: Iterable[str]) -> dict[str, int]:
    """How many points each metric has."""
    return dict(_fetch(run, SIZES, names=list(names)))


def overlooked_runs(since: datetime) -> list[UUID]:
    """Runs that have ended since then and were not compacted."""
    return [pk for (pk,) in columns.fetch(OVERLOOKED, {"since": since})]


def oldest_kept_month(now: datetime) -> int:
    """The first month whose points are kept, as YYYYMM; 0 if all are."""
    months: int = settings.KEEP_POINTS_MONTHS
    if not months:
        return 0
    at = now.year * 12 + now.month - 1 - months
    return at // 12 * 100 + at % 12 + 1


def points_dropped(run: Run) -> bool:
    """Whether the run is so old that its points are deleted; its summaries stay."""
    return run.month < oldest_kept_month(clock.now())


def _fetch(run: Run, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    return columns.fetch(query, {"month": run.month, "run": run.pk, **parameters})
