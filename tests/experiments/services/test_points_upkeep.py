from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from experiments.models import MetricBatch, Run, RunMetric
from experiments.selectors.points import oldest_kept_month, points_dropped
from experiments.services import points_upkeep
from experiments.services.points_upkeep import partitions_drop_old, partitions_make_ahead, points_tend
from mlplatform.kernel import clock
from tests.points import report


def at(year: int, month: int) -> datetime:
    return datetime(year, month, 17, tzinfo=UTC)


def partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::text FROM pg_partition_tree('experiments_metricbatch') WHERE isleaf")
        return sorted(name.rpartition("_")[2] for (name,) in cursor.fetchall())


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    return lambda year, month: monkeypatch.setattr(clock, "now", lambda: at(year, month))


@pytest.fixture
def old(leased: Any) -> Run:
    """A run of November 2090."""
    Run.objects.filter(pk=leased[1].pk).update(created_at=at(2090, 11))
    return Run.objects.get(pk=leased[1].pk)


def test_partitions_are_made_over_the_turn_of_a_year_and_once(db: None, today: Any) -> None:
    today(2090, 11)
    assert partitions_make_ahead() == [209011, 209012, 209101]
    assert partitions_make_ahead() == []
    assert {"209011", "209012", "209101", "default"} <= set(partitions())


def test_points_of_a_month_without_a_partition_are_kept_by_the_default_one(old: Run, today: Any) -> None:
    report(old, [1, 2], [0.5, 0.6])
    today(2090, 11)
    assert partitions_make_ahead() == [209012, 209101]
    assert MetricBatch.objects.get().steps == [1, 2]


@pytest.mark.parametrize("ahead", [True, False])
def test_points_go_with_their_month_and_summaries_stay(
    old: Run, today: Any, settings: Any, ahead: bool
) -> None:
    today(2090, 11)
    if ahead:
        partitions_make_ahead()
    report(old, [1, 2], [0.5, 0.6])
    settings.KEEP_POINTS_MONTHS = 3
    today(2091, 2)
    points_tend()
    assert MetricBatch.objects.exists()
    assert not points_dropped(old)
    today(2091, 3)
    assert partitions_drop_old() == ([209011] if ahead else [])
    assert not MetricBatch.objects.exists()
    assert points_dropped(old)
    assert RunMetric.objects.get().last == 0.6
    # One that still reports loses its points, and nothing else.
    report(old, [3], [0.7], seq=2)
    points_tend()
    assert not MetricBatch.objects.exists()
    assert RunMetric.objects.get().count == 3


def test_by_default_nothing_is_dropped(old: Run) -> None:
    report(old, [1], [0.5])
    assert oldest_kept_month(at(2500, 1)) == 0
    assert partitions_drop_old() == []
    assert MetricBatch.objects.exists()


def test_finished_runs_that_were_overlooked_are_compacted(leased: Any) -> None:
    _, run, _ = leased
    for seq in (1, 2):
        report(run, [seq], [0.5], seq=seq)
    points_tend()
    assert MetricBatch.objects.filter(attempt=1).count() == 2
    Run.objects.filter(pk=run.pk).update(state="completed", ended_at=clock.now() - timedelta(hours=1))
    points_tend()
    assert list(MetricBatch.objects.values_list("attempt", "steps")) == [(0, [1, 2])]


def test_locks_that_are_not_to_be_had_are_tried_again_later(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked() -> None:
        raise OperationalError("lock timeout")

    monkeypatch.setattr(points_upkeep, "partitions_make_ahead", locked)
    points_tend()
    assert "later: lock timeout" in caplog.text
