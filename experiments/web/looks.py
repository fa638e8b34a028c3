"""How somebody looks at runs: all of it is in the address of the page, so that it can be shared and kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict

from experiments.models import RunView
from experiments.query.errors import QueryError
from experiments.query.parser import parse_field
from experiments.query.tree import BY_SET, PARAMS

MAX_PINNED = 20
MAX_DIGITS = 10


@dataclass(frozen=True)
class Look:
    """Query, order, columns (none: the page chooses), only what differs, groups instead of runs, pins, and the page."""

    where: str = ""
    sort: str = ""
    columns: tuple[str, ...] = ()
    differing: bool = False
    # "set", or a parameter: `params.lr`.
    group: str = ""
    # Numbers of runs that stand above all others.
    pinned: tuple[int, ...] = ()
    after: str = ""

    @classmethod
    def of(cls, given: QueryDict) -> "Look":
        """What the address says. `up` and `down` move a column by one place, for those who have no scripts."""
        columns = list(dict.fromkeys(name for name in given.getlist("column") if name))
        for direction, step in (("up", -1), ("down", 1)):
            name = given.get(direction)
            if name in columns:
                at = columns.index(name)
                columns.insert(max(at + step, 0), columns.pop(at))
        return cls(
            where=given.get("where", "").strip(),
            sort=given.get("sort", ""),
            columns=tuple(columns),
            differing=given.get("differing") == "1",
            group=_group(given.get("group", "")),
            pinned=_numbers(given.get("pin", "")),
            after=given.get("after", ""),
        )

    @classmethod
    def of_view(cls, view: RunView, experiment: UUID) -> "Look":
        """What was kept, for the runs of an experiment."""
        return cls(
            where=view.where,
            sort=view.sort,
            columns=tuple(view.columns),
            differing=view.differing,
            group=view.group,
            pinned=tuple(view.pinned) if view.pinned_of == experiment else (),
        )

    @property
    def kept(self) -> dict[str, Any]:
        """What a view keeps of it: all but the page."""
        return {
            "where": self.where,
            "sort": self.sort,
            "columns": list(self.columns),
            "differing": self.differing,
            "group": self.group,
            "pinned": list(self.pinned),
        }

    @property
    def grouped(self) -> bool:
        """Whether lines are not runs."""
        return bool(self.group)

    @property
    def by_param(self) -> str:
        """The parameter that they are grouped by, if it is one."""
        return parse_field(self.group).name if self.group not in ("", BY_SET) else ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """As names and values of an address, or of hidden fields of a form."""
        given: Mapping[str, Any] = {
            "where": self.where,
            "sort": self.sort,
            "differing": "1" if self.differing else "",
            "group": self.group,
            "pin": ",".join(map(str, self.pinned)),
            "after": self.after,
        }
        return [(name, value) for name, value in given.items() if value] + [
            ("column", name) for name in self.columns
        ]

    def changed(self, **changes: Any) -> "Look":
        """The same with changes, from its first page."""
        return replace(self, **({"after": ""} | changes))

    def pinning(self, numbers: Iterable[int]) -> "Look":
        """The same with these runs pinned; no longer, if all of them are. It stays on its page."""
        given = dict.fromkeys(numbers)
        if all(number in self.pinned for number in given):
            return replace(self, pinned=tuple(number for number in self.pinned if number not in given))
        return replace(self, pinned=tuple({**dict.fromkeys(self.pinned), **given})[:MAX_PINNED])

    @property
    def href(self) -> str:
        """As a link from the page itself. Never empty: without anything in it, the default view would be meant."""
        return f"?{urlencode(self.pairs or [('sort', 'number')])}"

    def fields(self, *without: str) -> list[tuple[str, str]]:
        """For the hidden fields of a form that asks for the others itself."""
        return [(name, value) for name, value in self.pairs if name not in {*without, "after"}]


def _group(text: str) -> str:
    """What nothing can be grouped by is passed over."""
    if text == BY_SET:
        return text
    try:
        field = parse_field(text)
    except QueryError:
        return ""
    return str(field) if field.head == PARAMS else ""


def _numbers(text: str) -> tuple[int, ...]:
    """Of what is none, nothing."""
    found = [part for part in text.split(",") if part.isascii() and part.isdigit() and len(part) < MAX_DIGITS]
    return tuple(dict.fromkeys(map(int, found)))[:MAX_PINNED]
