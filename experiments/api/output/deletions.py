"""What the REST API tells about what people deleted."""

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from experiments.models import Deletion


class DeletionJson(TypedDict):
    """What was deleted. It frees more until it has ended."""

    id: UUID
    what: str
    runs: int
    freed_bytes: int
    created_at: datetime
    ended_at: datetime | None


def deletion_json(deletion: Deletion) -> DeletionJson:
    """A deletion."""
    return {
        "id": deletion.id,
        "what": deletion.what,
        "runs": deletion.runs,
        "freed_bytes": deletion.freed_bytes,
        "created_at": deletion.created_at,
        "ended_at": deletion.ended_at,
    }
