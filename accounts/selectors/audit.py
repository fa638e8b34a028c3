"""Reading the audit trail."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import QuerySet

from accounts.models import AuditEvent, Project
from mlplatform.http.query import LARGEST_ROW, number_in
from mlplatform.kernel.errors import InvalidInput
from mlplatform.kernel.text import SHOWN, storable

ROWS = 50
SEE_ALL = "see what was done in the whole portal"
# What a file of the trail has.
COLUMNS = (
    "id", "at", "actor", "project", "verb", "target", "address", "detail", "position", "digest",
)  # fmt: skip


@dataclass(frozen=True)
class AuditLook:
    """Which rows: of a person, whose verb begins so, whose target has these words, from one day to another (UTC)."""

    person: str = ""
    verb: str = ""
    words: str = ""
    begin: date | None = None
    end: date | None = None

    def __bool__(self) -> bool:
        return self != AuditLook()


@dataclass(frozen=True)
class AuditPage:
    """Some rows, newest first, and the ids after which the pages before and after it begin."""

    rows: list[AuditEvent]
    newer: int | None
    older: int | None


def look_from(query: Mapping[str, str]) -> AuditLook:
    """What an address says. Raises InvalidInput."""
    person, verb, words = (storable(query.get(name, "")).strip()[:200] for name in ("person", "verb", "q"))
    return AuditLook(person, verb.lower(), words, _day(query, "from"), _day(query, "to"))


def events(look: AuditLook, project: Project | None = None) -> "QuerySet[AuditEvent]":
    """These rows of the portal or of a project, newest first."""
    found = AuditEvent.objects.order_by("-id")
    if project is not None:
        found = found.filter(project_id=project.pk)
    if look.person:
        found = found.filter(actor_name="" if look.person == "system" else look.person)
    if look.verb:
        found = found.filter(verb__startswith=look.verb)
    for word in look.words.split():
        found = found.filter(target__icontains=word)
    if look.begin:
        found = found.filter(at__gte=datetime.combine(look.begin, time.min, UTC))
    if look.end:
        found = found.filter(at__lte=datetime.combine(look.end, time.max, UTC))
    return found


def audit_page(rows: "QuerySet[AuditEvent]", query: Mapping[str, str]) -> AuditPage:
    """The newest, or those before or after the row that the address says. One query."""
    before, after = (number_in(query, name, 0, 1, LARGEST_ROW) for name in ("before", "after"))
    if after:
        found = list(rows.filter(id__gt=after).order_by("id")[: ROWS + 1])
        shown = found[:ROWS][::-1]
        return AuditPage(shown, shown[0].pk if len(found) > ROWS else None, shown[-1].pk if shown else None)
    found = list((rows.filter(id__lt=before) if before else rows)[: ROWS + 1])
    shown = found[:ROWS]
    newer = shown[0].pk if before and shown else None
    return AuditPage(shown, newer, shown[-1].pk if len(found) > ROWS else None)


def audit_values(rows: "QuerySet[AuditEvent]") -> Iterator[list[Any]]:
    """In the order of COLUMNS, a batch of rows in memory at a time."""
    for row in rows.iterator():
        yield [
            row.pk,
            row.at.isoformat(),
            row.actor_name,
            row.project_slug,
            row.verb,
            row.target,
            row.address,
            row.detail,
            row.position,
            row.digest,
        ]


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name, "")
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date() if text else None
    except ValueError:
        words = f"{name} is {storable(text)[:SHOWN]!r}; write a day as 2026-12-01."
        raise InvalidInput(words, field=name) from None
