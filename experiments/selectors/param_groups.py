"""Runs that have the same value of one parameter taken together."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Avg, Count, Q, StdDev, Sum

from experiments.models import RunMetric, RunParam
from experiments.query.parser import Sort
from experiments.query.tree import METRICS, PARAMS, Field, quoted
from experiments.selectors.groups import Spread
from experiments.selectors.matching import Matches
from experiments.selectors.tables import RunSpace, checked_sort, runs_matching
from experiments.states import RunState

# The first ones by value: who groups by a parameter that has more learns little from it.
MAX_GROUPS = 50

Key = tuple[float | None, str | None]


@dataclass(frozen=True)
class GroupRow:
    """Runs with one value. `where` finds them; `states` counts them by state, `size` all of them.

    Of the metrics those count that have completed, as in sets.
    """

    value: float | str | None
    where: str
    size: int
    states: list[tuple[str, int]]
    metrics: dict[str, Spread]
    seconds: float | None


def param_groups(
    space: RunSpace, name: str, *, where: str, sort: str, metrics: Sequence[str]
) -> list[GroupRow]:
    """At most MAX_GROUPS, without runs that lack the parameter. Three queries, and the one of `where`.

    Raises QueryError for the query, InvalidInput(field="sort").
    """
    order = checked_sort(space, sort) if sort else Sort(Field(PARAMS, name))
    found = runs_matching(space, where)
    rows = found.among(
        RunParam.objects.filter(space.scope.q(), name=name).order_by(), number="run_number", pk="run_id"
    )
    keys: list[Key] = list(
        rows.order_by("number", "text").values_list("number", "text").distinct()[:MAX_GROUPS]
    )
    states: dict[Key, Counter[str]] = defaultdict(Counter)
    spent: dict[Key, list[timedelta]] = defaultdict(list)
    by_state = rows.filter(_any_of(keys)).values("number", "text", "run__state")
    by_state = by_state.annotate(amount=Count("*"), attempted=Sum("run__attempted"))
    for number, text, state, count, attempted in by_state.values_list(
        "number", "text", "run__state", "amount", "attempted"
    ):
        states[number, text][state] += count
        spent[number, text] += [attempted] if attempted is not None else []
    spreads = _spreads(found, name, keys, metrics)
    groups = [
        GroupRow(
            value=number if text is None else text,
            where=_where(where, name, (number, text)),
            size=states[number, text].total(),
            states=[
                (state, states[number, text][state])
                for state in RunState.values
                if states[number, text][state]
            ],
            metrics=spreads[number, text],
            seconds=sum(each.total_seconds() for each in spent[number, text])
            if spent[number, text]
            else None,
        )
        for number, text in keys
    ]
    return _ordered(groups, order)


def _spreads(
    found: Matches, name: str, keys: Sequence[Key], metrics: Sequence[str]
) -> dict[Key, dict[str, Spread]]:
    rows = RunMetric.objects.filter(
        found.scope.q(),
        _any_of(keys, "run__values__"),
        name__in=metrics,
        value__gt=-math.inf,
        value__lt=math.inf,
        run__state=RunState.COMPLETED,
        run__values__name=name,
    ).order_by()
    rows = found.among(rows, number="run_number", pk="run_id")
    spreads: dict[Key, dict[str, Spread]] = defaultdict(dict)
    group = ("run__values__number", "run__values__text", "name")
    found_of = rows.values(*group).annotate(
        mean=Avg("value"), std=StdDev("value", sample=True), amount=Count("*")
    )
    for number, text, metric, mean, std, count in found_of.values_list(*group, "mean", "std", "amount"):
        spreads[number, text][metric] = Spread(mean, std, count)
    return spreads


def _any_of(keys: Sequence[Key], path: str = "") -> Q:
    numbers = [number for number, text in keys if text is None]
    texts = [text for _, text in keys if text is not None]
    return Q(**{f"{path}number__in": numbers}) | Q(**{f"{path}text__in": texts})


def _where(where: str, name: str, key: Key) -> str:
    number, text = key
    value = f"{number:.17g}" if text is None else quoted(text)
    own = f"{Field(PARAMS, name)} = {value}"
    return f"({where}) and {own}" if where else own


def _ordered(groups: list[GroupRow], sort: Sort) -> list[GroupRow]:
    """What has no value comes last either way; by the parameter they are ordered already."""

    def key(group: GroupRow) -> Any:
        spread = group.metrics.get(sort.field.name) if sort.field.head == METRICS else None
        return {METRICS: spread and spread.mean, "duration": group.seconds}.get(sort.field.head)

    if sort.field.head == PARAMS:
        return groups[::-1] if sort.descending else groups
    having = sorted((group for group in groups if key(group) is not None), key=key, reverse=sort.descending)
    return [*having, *(group for group in groups if key(group) is None)]
