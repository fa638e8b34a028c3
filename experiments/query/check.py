"""Whether a query makes sense for the runs that it is asked of."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from experiments.query import values
from experiments.query.errors import QueryError
from experiments.query.tree import METRICS, PARAMS, TAGS, Comparison, Field, Literal, Node, Not
from experiments.states import RunState
from mlplatform.kernel.text import known_instead

EQUAL = ("=", "!=")
ORDER = ("<", "<=", ">", ">=")
# Kind of a field -> operators that it has.
OPERATORS = {
    "number": (*EQUAL, *ORDER, "in"),
    "param": (*EQUAL, *ORDER, "in", "contains"),
    "text": (*EQUAL, "in", "contains"),
    "span": (*EQUAL, *ORDER),
    "moment": ORDER,
}
KINDS = {
    METRICS: "number",
    PARAMS: "param",
    TAGS: "text",
    "number": "number",
    "set": "number",
    "duration": "span",
    "created": "moment",
    "started": "moment",
    "ended": "moment",
}
ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
# Fields that a run may be without, which `= none` and `!= none` ask for.
OPTIONAL = (METRICS, PARAMS, TAGS, "duration", "started", "ended", "cause")


@dataclass(frozen=True)
class Names:
    """The names that the runs have (None: too many to know).

    With them, a slip of the finger is not taken for an empty table.
    """

    metrics: Collection[str] | None
    params: Collection[str] | None

    def check(self, field: Field) -> None:
        """Raises QueryError for a metric or parameter that no run has. Tags may be anything."""
        known = {METRICS: self.metrics, PARAMS: self.params}.get(field.head)
        if known is not None and field.name not in known:
            what = "metric" if field.head == METRICS else "parameter"
            remedy = known_instead(field.name, known)
            raise QueryError(field.column, f"no run here has a {what} {field.name!r}; {remedy}.")


def check(node: Node, names: Names | None = None) -> None:
    """Raises QueryError for the first thing that makes no sense; without names, any name will do."""
    for comparison in comparisons(node):
        if names:
            names.check(comparison.field)
        _check_comparison(comparison)


def comparisons(node: Node) -> Iterator[Comparison]:
    """The leaves, from left to right."""
    match node:
        case Comparison():
            yield node
        case Not(inner):
            yield from comparisons(inner)
        case _:
            for part in node.parts:
                yield from comparisons(part)


def kind_of(field: Field) -> str:
    """What kind of values it has."""
    return KINDS.get(field.head, "text")


def asks_for_none(comparison: Comparison) -> bool:
    """Whether it asks for runs without a value, or with any."""
    return comparison.op in EQUAL and values.is_none(comparison.values[0])


def _check_comparison(comparison: Comparison) -> None:
    field, op = comparison.field, comparison.op
    kind = kind_of(field)
    if asks_for_none(comparison):
        if field.head not in OPTIONAL:
            raise QueryError(comparison.values[0].column, f"every run has {field}, so it is never none.")
        return
    if op not in OPERATORS[kind]:
        raise QueryError(field.column, f"{field} has no operator {op}; use {', '.join(OPERATORS[kind])}.")
    for literal in comparison.values:
        _VALUES[kind](field, op, literal)


def _number(field: Field, op: str, literal: Literal) -> None:
    if field.head == METRICS:
        values.number(literal)
    elif literal.is_quoted or not re.fullmatch(r"\d{1,9}", literal.text, re.ASCII):
        raise QueryError(literal.column, f"a whole number was expected, not {literal}.")


def _param(field: Field, op: str, literal: Literal) -> None:
    if op in ORDER:
        values.number(literal)


def _span(field: Field, op: str, literal: Literal) -> None:
    values.span(literal)


def _moment(field: Field, op: str, literal: Literal) -> None:
    values.moment(literal, ANY_DAY)


def _text(field: Field, op: str, literal: Literal) -> None:
    if field.head == "state" and op != "contains" and literal.text not in RunState.values:
        raise QueryError(
            literal.column,
            f"there is no state {literal.text!r}; {known_instead(literal.text, RunState.values)}.",
        )


_VALUES: dict[str, Callable[[Field, str, Literal], None]] = {
    "number": _number,
    "param": _param,
    "span": _span,
    "moment": _moment,
    "text": _text,
}
