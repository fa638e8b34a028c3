"""From the syntax tree of a query to a condition on runs. Values only ever travel as parameters.

Each comparison is true or false of a run, never unknown: one that needs a value is false for a run without it, and
`not` turns that round.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import (
    Case,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import IContains

from experiments.models import Run, RunMetric, RunParam
from experiments.models.run import param_columns
from experiments.query import values
from experiments.query.check import OPTIONAL, asks_for_none, kind_of
from experiments.query.tree import And, Comparison, Literal, Node, Not, Or
from experiments.states import RUN_LEASED
from mlplatform.kernel import clock

LOOKUPS = {"=": "exact", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "in": "in", "contains": "icontains"}
# Fields -> where the run has them.
PATHS = {
    "number": "number",
    "set": "set_number",
    "state": "state",
    "created": "created_at",
    "started": "started_at",
    "ended": "ended_at",
    "user": "experiment__created_by__username",
    "experiment": "experiment__slug",
    "cause": "cause_code",
    "duration": "duration",
}


@dataclass(frozen=True)
class Scope:
    """The experiments whose runs are looked at."""

    experiments: tuple[UUID, ...]

    @property
    def is_one(self) -> bool:
        """Whether it is one experiment, in which a number names a run."""
        return len(self.experiments) == 1

    def q(self, path: str = "experiment") -> Q:
        """Of one experiment it is an equality, which lets the index give the order as well."""
        if self.is_one:
            return Q(**{path: self.experiments[0]})
        return Q(**{f"{path}__in": self.experiments})

    @property
    def of_run(self) -> Q:
        """Rows about the run of the outer query, by its number: indexes have that; ids would have to be read."""
        by_number = self.q() & Q(run_number=OuterRef("number"))
        return by_number if self.is_one else by_number & Q(experiment=OuterRef("experiment"))


def with_duration(runs: "QuerySet[Run]") -> "QuerySet[Run]":
    """Annotate how long each has been attempted until now."""
    under_way = ExpressionWrapper(
        Value(clock.now(), output_field=DateTimeField()) - F("attempt_started_at"),
        output_field=DurationField(),
    )
    before = Coalesce(F("attempted"), Value(timedelta(), output_field=DurationField()))
    is_under_way = When(state__in=RUN_LEASED, attempt_started_at__isnull=False, then=before + under_way)
    return runs.annotate(duration=Case(is_under_way, default=F("attempted"), output_field=DurationField()))


def condition(node: Node, scope: Scope) -> Q:
    """The condition for runs of the scope, annotated with `duration`. The tree has been checked."""
    match node:
        case And(parts):
            return _joined(parts, scope, Q.AND)
        case Or(parts):
            return _joined(parts, scope, Q.OR)
        case Not(inner):
            return ~condition(inner, scope)
        case Comparison():
            return _comparison(node, scope)


def _joined(parts: tuple[Node, ...], scope: Scope, connector: str) -> Q:
    return Q(*(condition(part, scope) for part in parts), _connector=connector)


def _comparison(comparison: Comparison, scope: Scope) -> Q:
    match comparison.field.head:
        case "metrics":
            return _metric(comparison, scope)
        case "params":
            return _param(comparison, scope)
        case "tags":
            return _tag(comparison)
    return _plain(comparison)


def _metric(comparison: Comparison, scope: Scope) -> Q:
    field = comparison.field.part or "value"
    # PostgreSQL takes NaN for larger than everything; here it compares with nothing.
    rows = RunMetric.objects.filter(scope.of_run, name=comparison.field.name, **{f"{field}__lte": math.inf})
    if asks_for_none(comparison):
        return _is_none(comparison, Q(Exists(rows)))
    found = _compared(comparison, field, values.number)
    return Q(Exists(rows.filter(found)))


def _param(comparison: Comparison, scope: Scope) -> Q:
    rows = RunParam.objects.filter(scope.of_run, name=comparison.field.name)
    if asks_for_none(comparison):
        return _is_none(comparison, Q(Exists(rows)))
    if comparison.op == "contains":
        found = Q(text__icontains=comparison.values[0].text)
    elif comparison.op == "in":
        numbers = [values.number(literal) for literal in comparison.values if values.is_number(literal)]
        texts = [_text(literal) for literal in comparison.values if not values.is_number(literal)]
        found = Q(number__in=numbers) | Q(text__in=texts)
    elif values.is_number(comparison.values[0]):
        found = _compared(comparison, "number", values.number)
        found = found | Q(text__isnull=False) if comparison.op == "!=" else found
    else:
        found = _compared(comparison, "text", _text)
        found = found | Q(number__isnull=False) if comparison.op == "!=" else found
    return Q(Exists(rows.filter(found)))


def _text(literal: Literal) -> str:
    return param_columns(literal.text)[1] or ""


def _tag(comparison: Comparison) -> Q:
    name = comparison.field.name
    has_it = Q(tags__has_key=name)
    if asks_for_none(comparison):
        return _is_none(comparison, has_it)
    if comparison.op == "contains":
        return has_it & Q(IContains(tag(name), comparison.values[0].text))
    # One of these values: the index knows it.
    equal = Q(*(Q(tags__contains={name: literal.text}) for literal in comparison.values), _connector=Q.OR)
    return has_it & ~equal if comparison.op == "!=" else equal


def tag(name: str) -> Func:
    """The text of a tag; a key transform would take a name of digits for a place in a list."""
    return Func(F("tags"), Value(name), function="jsonb_extract_path_text", output_field=TextField())


def _plain(comparison: Comparison) -> Q:
    head = comparison.field.head
    path = PATHS[head]
    has_it = Q()
    if head in OPTIONAL:
        has_it = ~Q(cause_code="") if head == "cause" else Q(**{f"{path}__isnull": False})
    if asks_for_none(comparison):
        return _is_none(comparison, has_it)
    now = clock.now()
    meanings: dict[str, Callable[[Literal], Any]] = {
        "number": lambda literal: int(literal.text),
        "span": values.span,
        "moment": lambda literal: values.moment(literal, now),
        "text": lambda literal: literal.text,
    }
    return has_it & _compared(comparison, path, meanings[kind_of(comparison.field)])


def _is_none(comparison: Comparison, has_it: Q) -> Q:
    return ~has_it if comparison.op == "=" else has_it


def _compared(comparison: Comparison, path: str, meaning: Callable[[Literal], Any]) -> Q:
    meant = [meaning(literal) for literal in comparison.values]
    if comparison.op == "!=":
        return ~Q(**{path: meant[0]})
    return Q(**{f"{path}__{LOOKUPS[comparison.op]}": meant if comparison.op == "in" else meant[0]})
