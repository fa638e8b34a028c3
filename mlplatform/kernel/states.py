"""Guarded state changes: table-checked, then an UPDATE that filters on the old state or holds the rows' locks."""

from collections.abc import Mapping, Set
from typing import Any

from django.db import models

Table = Mapping[str, Set[str]]


def can_move(table: Table, old: str, new: str) -> bool:
    """Whether the table allows old -> new."""
    return new in table.get(old, frozenset())


def move(table: Table, row: models.Model, new: str, **fields: Any) -> bool:
    """Move `row` from the state it was read in to `new`; write `fields` with it.

    False: somebody else moved it first, nothing was written. Raises ValueError for a move the table forbids,
    which is a programming error. One UPDATE; refreshes the attributes of `row`.
    """
    old: str = row.state  # type: ignore[attr-defined]
    if not can_move(table, old, new):
        raise ValueError(f"{type(row).__name__} cannot go from {old} to {new}")
    changed = type(row)._default_manager.filter(pk=row.pk, state=old).update(state=new, **fields)
    if not changed:
        return False
    for name, value in {"state": new, **fields}.items():
        setattr(row, name, value)
    return True


def move_all(table: Table, rows: "models.QuerySet[Any]", old: str, new: str, **fields: Any) -> list[Any]:
    """Move all of `rows` that are in state `old`; write `fields` with it. Their keys, in the model's order.

    For use in a transaction. Two statements, however many rows there are: the first locks them, and so reads again
    what somebody else was just moving. Raises ValueError like `move`.
    """
    if not can_move(table, old, new):
        raise ValueError(f"{rows.model.__name__} cannot go from {old} to {new}")
    locked = rows.filter(state=old).select_for_update(no_key=True)
    found = list(locked.values_list("pk", flat=True))
    if found:
        rows.model._default_manager.filter(pk__in=found).update(state=new, **fields)
    return found
