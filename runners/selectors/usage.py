"""What is held now, and what was held in a month: the ledger, and of what is not in it yet the time since."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, ExpressionWrapper, F, FloatField, Q, QuerySet, Sum
from django.db.models.functions import Extract

from accounts.models import Resource
from accounts.selectors.quotas import Use
from mlplatform.kernel import clock
from runners.models import Allocation, UsageSlice
from runners.states import HOLDING, LIVE

HOUR = 3600
WHO = ("project_id", "user_id", "backend")


def month_span(month: int) -> tuple[datetime, datetime]:
    """When it begins, and when the next one does."""
    begin = datetime(month // 100, month % 100, 1, tzinfo=UTC)
    return begin, (begin + timedelta(days=32)).replace(day=1)


def unmetered() -> "QuerySet[Allocation]":
    """Allocations of which the ledger does not have everything yet."""
    return Allocation.objects.filter(is_metered=False, submitted_at__isnull=False)


def is_held() -> Q:
    """Admitted, and not over."""
    return Q(state__in=HOLDING) | Q(state__in=LIVE, admitted_at__isnull=False)


def held_now(only: Q | None = None) -> list[Use]:
    """What everybody holds at each backend. One query."""
    rows = Allocation.objects.filter(is_held(), only or Q()).order_by().values(*WHO)
    per_worker = {"cpus": "cpus_per_worker", "gpus": "gpus_per_worker", "memory": "memory_per_worker"}
    sums: dict[str, Any] = {
        f"{name}_held": Sum(F("workers") * F(column), output_field=FloatField())
        for name, column in per_worker.items()
    }
    return [
        Use(
            row["project_id"],
            row["user_id"],
            row["backend"],
            {
                Resource.CPUS: row["cpus_held"],
                Resource.GPUS: row["gpus_held"],
                Resource.MEMORY: row["memory_held"],
                Resource.RUNNING_RUNS: row["jobs"],
            },
        )
        for row in rows.annotate(**sums, jobs=Count("*"))
    ]


def hours_in(month: int, only: Q | None = None) -> list[Use]:
    """CPU- and GPU-hours of everybody in a month, to this moment. Two queries."""
    sums: dict[tuple[UUID | None, int | None, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    seconds = ExpressionWrapper(Extract(F("ended_at") - F("begun_at"), "epoch"), output_field=FloatField())
    slices = UsageSlice.objects.filter(only or Q(), month=month).order_by().values(*WHO)
    metered = slices.annotate(cpu_s=Sum(seconds * F("cpus")), gpu_s=Sum(seconds * F("gpus")))
    for row in metered:
        sums[row["project_id"], row["user_id"], row["backend"]] = [row["cpu_s"], row["gpu_s"]]
    for allocation, seconds_left in _since(unmetered().filter(only or Q()), month):
        found = sums[allocation.project_id, allocation.user_id, allocation.backend]
        found[0] += seconds_left * allocation.cpus
        found[1] += seconds_left * allocation.gpus
    return [
        Use(
            project_id,
            user_id,
            backend,
            {Resource.CPU_HOURS: cpu_s / HOUR, Resource.GPU_HOURS: gpu_s / HOUR},
        )
        for (project_id, user_id, backend), (cpu_s, gpu_s) in sums.items()
    ]


def hours_by_month(project_id: UUID, months: int) -> dict[int, list[Any]]:
    """Of a project's last months, newest first: rows of `user_name`, `cpu_hours`, `gpu_hours`. Two queries."""
    now = clock.now()
    wanted = [clock.month_of(now)]
    while len(wanted) < months:
        wanted.append(clock.month_of(month_span(wanted[-1])[0] - timedelta(days=1)))
    seconds = ExpressionWrapper(Extract(F("ended_at") - F("begun_at"), "epoch"), output_field=FloatField())
    sums: dict[int, dict[str, list[float]]] = {month: defaultdict(lambda: [0.0, 0.0]) for month in wanted}
    rows = UsageSlice.objects.filter(project_id=project_id, month__in=wanted).order_by()
    for row in rows.values("month", "user_name").annotate(
        cpu_s=Sum(seconds * F("cpus")), gpu_s=Sum(seconds * F("gpus"))
    ):
        found = sums[row["month"]][row["user_name"]]
        found[0] += row["cpu_s"]
        found[1] += row["gpu_s"]
    live = list(unmetered().filter(project_id=project_id).select_related("user"))
    for month in wanted:
        for allocation, left in _since(live, month):
            found = sums[month][allocation.user.username if allocation.user else ""]
            found[0] += left * allocation.cpus
            found[1] += left * allocation.gpus
    return {
        month: sorted(
            (
                {"user_name": name, "cpu_hours": cpu_s / HOUR, "gpu_hours": gpu_s / HOUR}
                for name, (cpu_s, gpu_s) in people.items()
            ),
            key=lambda row: (-row["gpu_hours"], -row["cpu_hours"], row["user_name"]),
        )
        for month, people in sums.items()
    }


def slices(only: Q | None = None, month: int | None = None) -> "QuerySet[UsageSlice]":
    """Rows of the ledger, oldest first."""
    rows = UsageSlice.objects.filter(only or Q())
    return rows if month is None else rows.filter(month=month)


def _since(rows: Iterable[Allocation], month: int) -> Iterator[tuple[Allocation, float]]:
    """Seconds of a month that each has held since it was metered."""
    now, (begin, end) = clock.now(), month_span(month)
    for allocation in rows:
        since = allocation.metered_until or allocation.submitted_at
        assert since
        seconds = (min(allocation.ended_at or now, end) - max(since, begin)).total_seconds()
        if seconds > 0:
            yield allocation, seconds
