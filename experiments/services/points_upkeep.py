"""What is done for points now and then: partitions made ahead and dropped when old, overlooked runs compacted."""

import logging
from datetime import timedelta

from django.db import OperationalError, connection, transaction

from experiments.selectors.points import oldest_kept_month, overlooked_runs
from experiments.services.points import points_compact
from mlplatform.kernel import clock

logger = logging.getLogger(__name__)

TABLE = "experiments_metricbatch"
MONTHS_AHEAD = 2
# Longer than any outage of the broker that goes unnoticed.
LOOK_BACK = timedelta(days=1)
# Changing partitions waits for readers, and writers wait behind it. So not for long: the next time is soon.
PATIENCE = "SET LOCAL lock_timeout = '1s'"
NAMES = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"


def points_tend() -> None:
    """Everything that is due. Safe to repeat."""
    try:
        partitions_make_ahead()
        partitions_drop_old()
    except OperationalError as error:
        logger.warning("partitions of points are looked after later: %s", error)
    for pk in overlooked_runs(clock.now() - LOOK_BACK):
        points_compact(pk)


def partitions_make_ahead() -> list[int]:
    """The partitions of this month and the next ones, as far as they are missing. Returns the months.

    A month of which the default partition has points already stays there.
    """
    now = clock.now()
    first = now.year * 12 + now.month - 1
    months = [at // 12 * 100 + at % 12 + 1 for at in range(first, first + MONTHS_AHEAD + 1)]
    there = _partitions()
    return [month for month in months if month not in there and _make(month)]


def partitions_drop_old() -> list[int]:
    """Delete the points of runs made too long ago, as MLP_KEEP_POINTS_MONTHS says. Returns the months."""
    oldest = oldest_kept_month(clock.now())
    if not oldest:
        return []
    old = sorted(month for month in _partitions() if month < oldest)
    for month in old:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(PATIENCE)
            cursor.execute(f"DROP TABLE {TABLE}_{month}")
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}_default WHERE month < %s", [oldest])  # noqa: S608  # no user's words
    return old


def _partitions() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(NAMES, [TABLE])
        names = [name for (name,) in cursor.fetchall()]
    return {int(month) for month in (name.rpartition("_")[2] for name in names) if month.isdecimal()}


def _make(month: int) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {TABLE}_default WHERE month = %s LIMIT 1", [month])  # as above
        if cursor.fetchone() is not None:
            return False
        cursor.execute(PATIENCE)
        # Statements like this one take no parameters.
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {TABLE}_{month} PARTITION OF {TABLE} "
            f"FOR VALUES FROM ({month}) TO ({month + 1})"
        )
    return True
