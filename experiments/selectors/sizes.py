"""About how many bytes rows take in the database."""

from typing import TYPE_CHECKING

from django.db.models import F, Func, IntegerField, Sum

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from experiments.models import LogChunk, MetricBatch

# A step, a value and a time, 8 bytes each.
POINT_BYTES = 24


def rows_size(points: "QuerySet[MetricBatch]", logs: "QuerySet[LogChunk]") -> int:
    """What the database keeps of points and logs. Two queries."""
    kept = Func(F("content"), function="pg_column_size", output_field=IntegerField())
    count = points.aggregate(count=Sum("size"))["count"] or 0
    return count * POINT_BYTES + (logs.aggregate(size=Sum(kept))["size"] or 0)
