"""Whether the audit trail is as it was written. Why it is chained as it is: docs/invariants/audit.md."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from mlplatform.kernel.errors import Conflict, InvalidInput

ROWS_AT_A_TIME = 2000
# What a digest is over. The trigger of the table has the same words, but whoever can change rows can change triggers.
DIGEST = """
encode(sha256(convert_to(jsonb_build_array(
    {before}, {position}, event.id, to_char(event.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    event.actor_id, event.actor_name, event.project_id, event.project_slug, event.verb, event.target, event.address,
    event.detail
)::text, 'UTF8')), 'hex')
"""
BEFORE = "COALESCE(lag(event.digest) OVER (ORDER BY event.position), %s)"
COMPUTED = DIGEST.format(before=BEFORE, position="event.position")
BATCH = f"""
SELECT event.position, event.id, event.digest, {COMPUTED}
FROM accounts_auditevent event WHERE event.position > %s ORDER BY event.position LIMIT {ROWS_AT_A_TIME}
"""  # noqa: S608  # made of constants
LOOSE = "SELECT id FROM accounts_auditevent WHERE position IS NULL ORDER BY id LIMIT 1"


class ChainBroken(Conflict):
    """The audit trail is not what was written."""

    code = "audit_chain_broken"


@dataclass(frozen=True)
class Link:
    """A place in the chain: written `position:digest`. Kept elsewhere, it vouches for all rows up to it."""

    position: int = 0
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.position}:{self.digest}"


def link_from(text: str) -> Link:
    """The link of this text. Raises InvalidInput."""
    position, _, digest = text.partition(":")
    if not (position.isdecimal() and len(position) < 19 and len(digest) == 64):
        raise InvalidInput(f"{text[:100]!r} is no place in the chain; write it as 1234:<64 hex digits>.")
    return Link(int(position), digest.lower())


def chain_verify(*, expected: Link | None = None) -> Link:
    """The last link, after a look at every row. Raises ChainBroken that names the first one that is wrong."""
    last = Link()
    for position, pk, digest, computed in _rows():
        if position != last.position + 1:
            raise ChainBroken(f"Row {_missing(last.position + 1, position - 1)} of the trail is missing.")
        if digest != computed:
            raise ChainBroken(
                f"Row {position} of the trail (id {pk}) is not what was written: it was changed."
            )
        last = Link(position, digest)
        if expected and expected.position == position and expected.digest != digest:
            raise ChainBroken(
                f"Row {position} of the trail (id {pk}) is sound in itself, but not the one expected: it, or one "
                "before it, was changed and the chain written anew."
            )
    if expected and expected.position > last.position:
        raise ChainBroken(
            f"Row {_missing(last.position + 1, expected.position)} of the trail is missing: its end was cut off."
        )
    with connection.cursor() as cursor:
        cursor.execute(LOOSE)
        if loose := cursor.fetchone():
            raise ChainBroken(
                f"The row with the id {loose[0]} has no place in the trail: it was inserted past it."
            )
    return last


def _rows() -> Iterator[tuple[int, int, str, str]]:
    """Each row with its digest and what that should be after the one before; a batch in memory at a time."""
    position, digest = 0, ""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(BATCH, [digest, position])
            batch = cursor.fetchall()
        if not batch:
            return
        yield from batch
        position, _, digest, _ = batch[-1]


def _missing(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
