"""What the REST API tells about the line for a backend."""

from datetime import datetime
from typing import TypedDict

from experiments.selectors.waits import Wait


class WaitJson(TypedDict):
    """When something that waits for room probably starts: half of them by `starts_at`, nine of ten by `starts_by`."""

    place: int | None
    ahead: int
    starts_at: datetime | None
    starts_by: datetime | None
    words: str


def wait_json(wait: Wait | None) -> WaitJson | None:
    """Null if it does not wait in the line."""
    if wait is None:
        return None
    return {
        "place": wait.place or None,
        "ahead": wait.ahead,
        "starts_at": wait.starts_at,
        "starts_by": wait.starts_by,
        "words": wait.words,
    }
