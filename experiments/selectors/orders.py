"""The orders that runs and sets can have, as phases for paging."""

import math
from typing import Any

from django.db.models import Avg, Exists, F, FilteredRelation, Min, Q, Sum
from django.db.models.expressions import Combinable

from experiments.models import RunMetric, RunParam
from experiments.query.parser import Sort
from experiments.selectors.conditions import PATHS, Scope, tag
from experiments.selectors.matching import Matches
from experiments.selectors.paging import Phase
from experiments.states import RunState
from mlplatform.kernel.errors import InvalidInput

RUN_TIES = ("number", "pk")
ROW_TIES = ("run_number", "run_id")
SET_TIES = ("set_number",)
NULLABLE = ("duration", "started", "ended")


def run_phases(found: Matches, sort: Sort) -> list[Phase]:
    """Runs by any field; equal ones by their numbers."""
    field = sort.field
    match field.head:
        case "metrics":
            # Not NaN, which PostgreSQL takes for larger than everything.
            lookups: dict[str, Any] = {f"{field.part or 'value'}__lte": math.inf}
            return _by_rows(found, RunMetric, field.name, lookups)
        case "params":
            lookups = {"number__isnull": False, "text__isnull": False}
            return _by_rows(found, RunParam, field.name, lookups)
        case "tags":
            key: Combinable = tag(field.name)
        case _:
            key = F(PATHS[field.head])
    keyed = found.runs.annotate(sort_key=key)
    if field.head == "tags" or field.head in NULLABLE:
        return [
            Phase(keyed.filter(sort_key__isnull=False), RUN_TIES),
            Phase(keyed.filter(sort_key__isnull=True), RUN_TIES, has_key=False),
        ]
    return [Phase(keyed, RUN_TIES)]


def set_phases(found: Matches, sort: Sort) -> list[Phase]:
    """Sets of runs of an experiment by what they have together. Raises InvalidInput(field="sort").

    A completed run counts for a metric with its last value, for the objective with its best, if that is finite.
    """
    field, runs, scope = sort.field, found.runs, found.scope
    match field.head:
        case "number" | "set":
            keys: list[Any] = [Min("set_number")]
        case "duration":
            keys = [Sum("duration")]
        case "params":
            runs = runs.annotate(sorted=_row_of("values", field.name, scope))
            keys = [Min("sorted__number"), Min("sorted__text")]
        case "metrics" if not field.part:
            runs = runs.annotate(sorted=_row_of("metrics", field.name, scope))
            counts = Q(state=RunState.COMPLETED, sorted__value__gt=-math.inf, sorted__value__lt=math.inf)
            keys = [Avg("sorted__value", filter=counts)]
        case _:
            raise InvalidInput(
                f"Cannot sort sets by {str(field)!r}; use number, duration, params.<name> or metrics.<name>, "
                "with - for descending.",
                field="sort",
            )
    sets = runs.values("set_number")
    phases = [Phase(sets.annotate(sort_key=key).filter(sort_key__isnull=False), SET_TIES) for key in keys]
    lacking = sets.annotate(**{f"key_{index}": key for index, key in enumerate(keys)})
    lacking = lacking.filter(**{f"key_{index}__isnull": True for index in range(len(keys))})
    return [*phases, Phase(lacking, SET_TIES, has_key=False)]


def _by_rows(
    found: Matches, model: type[RunMetric | RunParam], name: str, lookups: dict[str, Any]
) -> list[Phase]:
    """One phase for each column of a run's row that has a value by its lookup, and one for runs without any.

    Walks the rows, not the runs: of them only an index is read.
    """
    rows = found.among(
        model.objects.filter(found.scope.q(), name=name).order_by(), number="run_number", pk="run_id"
    )
    phases = [
        Phase(rows.filter(**{lookup: value}).annotate(sort_key=F(lookup.partition("__")[0])), ROW_TIES)
        for lookup, value in lookups.items()
    ]
    has_any = Q(*lookups.items(), _connector=Q.OR)
    row = model.objects.filter(found.scope.of_run, has_any, name=name)
    return [*phases, Phase(found.runs.filter(~Exists(row)), RUN_TIES, has_key=False)]


def _row_of(relation: str, name: str, scope: Scope) -> FilteredRelation:
    return FilteredRelation(
        relation, condition=Q(**{f"{relation}__name": name}) & scope.q(f"{relation}__experiment")
    )
