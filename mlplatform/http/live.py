"""Tell the pages that something changed. Groups are named `<kind>.<id>`; messages carry ids and points, never HTML."""

import itertools
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from mlplatform.kernel.commit import on_commit

logger = logging.getLogger(__name__)
_numbers = itertools.count()

Event = dict[str, Any]


def group_name(kind: str, pk: UUID | str) -> str:
    """Channel-layer group of one project, experiment or run."""
    return f"{kind}.{pk}"


def publish(groups: Sequence[str], event: Event) -> None:
    """Send an event to the pages that watch any of the groups, when the current transaction commits.

    The same news twice in one transaction is sent once; points are news every time. A lost event is logged only:
    pages refetch everything whenever their socket reconnects.
    """
    key = next(_numbers) if "points" in event else (tuple(groups), tuple(sorted(event.items())))
    on_commit(_send, (groups, event), key)


def _send(events: Sequence[tuple[Sequence[str], Event]]) -> None:
    try:
        async_to_sync(_send_all)(events)
    except (RedisError, OSError) as error:
        logger.warning("%d live events not sent: %s", len(events), error)


async def _send_all(events: Sequence[tuple[Sequence[str], Event]]) -> None:
    layer = get_channel_layer()
    news: dict[str, list[Event]] = {}
    for groups, event in events:
        for group in groups:
            news.setdefault(group, []).append(event)
    # One message per group: each costs half a millisecond, and a run's end has news of many kinds.
    for group, told in news.items():
        await layer.group_send(group, {"type": "live.events", "events": told})
