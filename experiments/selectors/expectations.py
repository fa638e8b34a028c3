"""How long runs probably take: as long as those that have finished, of the same experiment or of its like."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Aggregate, Count, DurationField, Q

from experiments.models import Experiment, Run
from experiments.states import RUN_TRAINED, RunState
from runners.expected import Expected

MEDIAN, LATE = 0.5, 0.9


class Percentile(Aggregate):
    """A quantile of a column, as PostgreSQL has it."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(quantile)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()

    def __init__(self, expression: str, quantile: float, **extra: Any) -> None:
        super().__init__(expression, quantile=quantile, **extra)


def expected_of(owners: Collection[UUID]) -> Mapping[UUID, Expected]:
    """Of experiments. Three queries at most."""
    rows = {row["pk"]: row for row in _experiments(owners)}
    own = _quantiles("experiment_id", Q(experiment__in=list(rows)))
    # Without a finished run of their own: those of the same code in the same project.
    new = [row for pk, row in rows.items() if pk not in own]
    bundles = {row["bundle_id"] for row in new}
    like = _quantiles("experiment__bundle_id", Q(experiment__bundle__in=bundles)) if bundles else {}
    found = {}
    for pk, row in rows.items():
        median, late = own.get(pk) or like.get(row["bundle_id"]) or (None, None)
        found[pk] = Expected(median, late, row["queued"])
    return found


def _experiments(owners: Collection[UUID]) -> Iterable[Any]:
    queued = Count("runs", filter=Q(runs__state=RunState.QUEUED))
    rows = Experiment.objects.filter(pk__in=owners).order_by()
    return rows.annotate(queued=queued).values("pk", "bundle_id", "queued")


def _quantiles(by: str, which: Q) -> dict[UUID, tuple[float, float]]:
    """Seconds at the median and late. One query."""
    trained = Run.objects.filter(which, state__in=RUN_TRAINED, attempted__isnull=False).order_by()
    rows = trained.values(by).annotate(
        median=Percentile("attempted", MEDIAN), late=Percentile("attempted", LATE)
    )
    return {row[by]: (row["median"].total_seconds(), row["late"].total_seconds()) for row in rows}
