"""Tell the pages that something changed. Groups are named `<kind>.<id>`; messages carry ids and points, never HTML."""

import logging
from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def group_name(kind: str, pk: UUID | str) -> str:
    """Channel-layer group of one project, experiment or run."""
    return f"{kind}.{pk}"


def publish(groups: list[str], event: dict[str, Any]) -> None:
    """Send an event to the pages that watch any of the groups, when the current transaction commits.

    A lost event is logged only: pages refetch everything whenever their socket reconnects.
    """
    transaction.on_commit(partial(_send, groups, event))


def _send(groups: list[str], event: dict[str, Any]) -> None:
    layer = get_channel_layer()
    try:
        for group in groups:
            async_to_sync(layer.group_send)(group, {"type": "live.event", "event": event})
    except (RedisError, OSError) as error:
        logger.warning("live event not sent: %s", error)
