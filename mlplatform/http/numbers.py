"""Each message of a group has a number, counted in Valkey: whoever hears the group sees that one is missing."""

from collections.abc import Sequence

from django.conf import settings
from redis.asyncio import Redis

PREFIX = "mlp.live.number."
# A counter that begins anew looks like a loss, which costs a refetch.
KEPT_S = 24 * 3600


class Numbers:
    """The counters, for one event loop. Raises RedisError or OSError while Valkey is away."""

    def __init__(self) -> None:
        self._valkey = Redis.from_url(settings.VALKEY_URL)

    async def take(self, groups: Sequence[str]) -> list[int]:
        """The next number of each group. One that is taken and not sent counts as a loss."""
        pipeline = self._valkey.pipeline(transaction=False)
        for group in groups:
            pipeline.incr(PREFIX + group)
            pipeline.expire(PREFIX + group, KEPT_S)
        answers = await pipeline.execute()
        return [int(answer) for answer in answers[::2]]

    async def newest(self, groups: Sequence[str]) -> list[int]:
        """The number that each group's newest message has; 0 before the first."""
        answers = await self._valkey.mget([PREFIX + group for group in groups]) if groups else []
        return [int(answer or 0) for answer in answers]

    async def close(self) -> None:
        """Close the connections."""
        await self._valkey.aclose()
