"""Guarded state changes: table-checked, then an UPDATE that filters on the old state."""

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
