"""Pages by keyset: each asks for what comes after the last row of the one before, in whatever order.

An order has *phases*: rows that have the value that is sorted by, then those that have none. That keeps the latter last
either way, and gives each query one index to walk. A row that does not change is on exactly one page, whatever
happens to others meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy

from experiments.query.parser import Sort
from mlplatform.kernel.errors import InvalidInput

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Phase:
    """Rows with the annotation `sort_key` (unless `has_key` is false), and what orders those of equal keys.

    The last of `ties` names the row.
    """

    rows: "QuerySet[Any, Any]"
    ties: tuple[str, ...]
    has_key: bool = True


@dataclass(frozen=True)
class Page:
    """Names of some rows in order, and the cursors of the pages beside this one, empty if there are none."""

    names: list[Any]
    previous: str
    following: str


@dataclass(frozen=True)
class _Place:
    """Where a row stands in an order."""

    phase: int
    key: Any
    ties: tuple[Any, ...]


def page(phases: Sequence[Phase], sort: Sort, *, cursor: str = "", limit: int) -> Page:
    """The page at the cursor; the first one without. One query for each phase that it touches.

    Raises InvalidInput(field="after") for a cursor of another order.
    """
    # Runs and sets have orders of the same name, but places in them differ.
    order = f"{sort} of {[phase.ties for phase in phases]}"
    place, backwards = _decode(cursor, order) if cursor else (None, False)
    found: list[_Place] = []
    for index in range(len(phases) - 1, -1, -1) if backwards else range(len(phases)):
        if place and (index > place.phase if backwards else index < place.phase):
            continue
        start = place if place and index == place.phase else None
        rows = _ordered(phases[index], sort.descending, start, backwards)
        for key, *ties in rows[: limit + 1 - len(found)]:
            found.append(_Place(index, key, tuple(ties)))
        if len(found) > limit:
            break
    has_more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()
    has_previous, has_following = (has_more, True) if backwards else (place is not None, has_more)
    return Page(
        names=[row.ties[-1] for row in found],
        previous=_encode(found[0], order, "-") if found and has_previous else "",
        following=_encode(found[-1], order, "+") if found and has_following else "",
    )


def _ordered(phase: Phase, descending: bool, start: _Place | None, backwards: bool) -> "QuerySet[Any, Any]":
    order = [OrderBy(F(name), descending=backwards) for name in phase.ties]
    beyond = _beyond_ties(phase.ties, start.ties, "lt" if backwards else "gt") if start else Q()
    if phase.has_key:
        downwards = descending != backwards
        order.insert(0, OrderBy(F("sort_key"), descending=downwards))
        if start:
            after = "lt" if downwards else "gt"
            # The first part says nothing new, but lets the index begin there.
            beyond = Q(**{f"sort_key__{after}e": start.key}) & (
                Q(**{f"sort_key__{after}": start.key}) | beyond
            )
    return (
        phase.rows.filter(beyond)
        .order_by(*order)
        .values_list("sort_key" if phase.has_key else phase.ties[0], *phase.ties)
    )


def _beyond_ties(names: Sequence[str], values: Sequence[Any], after: str) -> Q:
    (name, *names), (value, *values) = names, values
    beyond = Q(**{f"{name}__{after}": value})
    return beyond | Q(**{name: value}) & _beyond_ties(names, values, after) if names else beyond


def _encode(place: _Place, order: str, direction: str) -> str:
    """Signed, so that what comes back is what was given out, and for this order."""
    key = place.key
    match key:
        case datetime():
            key = {"at": key.isoformat()}
        case timedelta():
            key = {"us": key // MICROSECOND}
    ties = [tie if isinstance(tie, int) else str(tie) for tie in place.ties]
    return signing.dumps([direction, place.phase, key, ties], salt=order, compress=True)


def _decode(cursor: str, order: str) -> tuple[_Place, bool]:
    try:
        direction, phase, key, ties = signing.loads(cursor, salt=order)
    except signing.BadSignature:
        raise InvalidInput(
            "This page does not belong to this order; begin at the first page.", field="after"
        ) from None
    match key:
        case {"at": at}:
            key = datetime.fromisoformat(at)
        case {"us": us}:
            key = us * MICROSECOND
    return _Place(phase, key, tuple(ties)), direction == "-"
