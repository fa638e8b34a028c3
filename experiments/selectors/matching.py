"""The runs for which a query holds, found once per request: what is shown of them is looked up by their keys.

PostgreSQL plans a page as if a query's parts had nothing to do with one another and with the order, and then walks
indexes run by run for seconds where one pass over each index takes milliseconds. So the runs are found first, by
joining whole indexes, and handed on as one constant.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.fields import ArrayField
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import (
    BooleanField,
    Case,
    Count,
    F,
    Func,
    IntegerField,
    QuerySet,
    TextField,
    UUIDField,
    Value,
    When,
)
from django.db.models.functions import Cast

from experiments.models import Run
from experiments.query.tree import Node
from experiments.selectors.conditions import Scope, condition, with_duration

# Loops over an index per run are what goes wrong; hashes of all runs of a large project have to fit.
PLANNER = {"enable_nestloop": "off", "work_mem": "'64MB'"}


@contextmanager
def planned(**given: str) -> Iterator[CursorWrapper]:
    """A cursor for queries that PostgreSQL is to plan like this; afterwards it plans as before. A transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The transaction may be a larger one.
        cursor.execute("; ".join(f"SET LOCAL {name} = {value}" for name, value in given.items()))
        yield cursor
        cursor.execute("; ".join(f"SET LOCAL {name} TO DEFAULT" for name in given))


@dataclass(frozen=True)
class Matches:
    """Some runs of a scope: all of them, or those whose `keys` are in an array as PostgreSQL writes it.

    Keys are numbers in one experiment, and ids in several.
    """

    scope: Scope
    keys: str | None = None
    count: int | None = None

    @property
    def runs(self) -> "QuerySet[Run]":
        """The runs, with their `duration`."""
        rows = with_duration(Run.objects.filter(self.scope.q()).order_by())
        return self.among(rows, number="number", pk="pk")

    def among(self, rows: "QuerySet[Any]", *, number: str, pk: str) -> "QuerySet[Any]":
        """Rows that are about one of the runs, whose number and id they have under these names."""
        if self.keys is None:
            return rows
        name, kind = (number, IntegerField()) if self.scope.is_one else (pk, UUIDField())
        is_one = _AnyOf(F(name), Cast(Value(self.keys), ArrayField(kind)))
        # In a CASE nobody estimates it, which takes as long as the query: a look into a hash, once a row.
        return rows.filter(Case(When(is_one, then=True), default=False, output_field=BooleanField()))


class _AnyOf(Func):
    """Whether the first is an element of the second."""

    arg_joiner = " = ANY ("
    template = "%(expressions)s)"
    output_field = BooleanField()


def matches(scope: Scope, node: Node | None) -> Matches:
    """The runs of the scope for which the query holds; it has been checked. One query."""
    if node is None:
        return Matches(scope)
    runs = Matches(scope).runs.filter(condition(node, scope))
    with planned(**PLANNER):
        found = runs.aggregate(
            keys=Cast(ArrayAgg("number" if scope.is_one else "pk"), TextField()), count=Count("*")
        )
    return Matches(scope, found["keys"] or "{}", found["count"])
