"""All ranks agree, once per report, on what happens next; the agreement is also the barrier of `report`.

One small message to rank 0 and one back (about 50 microseconds on one machine) carry everything; with one worker
nothing is sent at all.
"""

import json
import struct
import time
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any, TypeVar
from zlib import crc32

from .star import Star


class Flag(IntEnum):
    """Positions in the agreement vector; the maximum over all ranks wins."""

    STOP = 0
    LOST = 1
    CHECKPOINT = 2
    REPORTING = 3
    FAILED = 4
    DIRTY = 5
    PAUSE = 6
    NAME = 7
    NEGATED_NAME = 8


T = TypeVar("T")
_VECTOR = struct.Struct(f"!{len(Flag)}i")
_NO_NAME = -(2**31)


class Agreement:
    """What at least one rank said."""

    def __init__(self, vector: tuple[int, ...], world_size: int) -> None:
        self._vector = vector
        self._world_size = world_size

    def __contains__(self, flag: Flag) -> bool:
        return self._vector[flag] != 0

    def lowest_rank(self, flag: Flag) -> int:
        """The lowest rank that raised `flag`; only meaningful when one did."""
        return self._world_size - self._vector[flag]

    @property
    def same_name(self) -> bool:
        """Whether every rank that named a checkpoint folder named the same one."""
        return self._vector[Flag.NAME] == -self._vector[Flag.NEGATED_NAME]


class Consensus:
    """Agreement between the ranks of one worker group; without a star there is one rank."""

    def __init__(self, star: Star | None, rank: int, world_size: int) -> None:
        self.rank = rank
        self.world_size = world_size
        self.waiting_since: float | None = None
        self._star = star

    def agree(self, flags: Iterable[Flag], checkpoint_name: str | None = None) -> Agreement:
        """Combine the flags of all ranks. Blocks until every rank has called it."""
        vector = [0] * len(Flag)
        vector[Flag.NEGATED_NAME] = _NO_NAME
        for flag in flags:
            vector[flag] = self.world_size - self.rank
        if checkpoint_name is not None:
            name = crc32(checkpoint_name.encode()) & 0x3FFFFFFF
            vector[Flag.NAME], vector[Flag.NEGATED_NAME] = name, -name
        if self._star is None:
            return Agreement(tuple(vector), self.world_size)
        combined = self._waiting(lambda star: self._combine(star, vector))
        return Agreement(combined, self.world_size)

    def share(self, value: Any, root: int = 0) -> Any:
        """Return the JSON value of rank `root` on every rank."""
        if self._star is None:
            return value
        mine = json.dumps(value).encode() if self.rank == root else None
        return json.loads(self._waiting(lambda star: self._spread(star, mine, root)))

    def _combine(self, star: Star, vector: list[int]) -> tuple[int, ...]:
        if self.rank > 0:
            star.send(0, _VECTOR.pack(*vector))
            return _VECTOR.unpack(star.receive(0))
        others = [_VECTOR.unpack(star.receive(rank)) for rank in star.neighbours()]
        combined = tuple(map(max, vector, *others))
        for rank in star.neighbours():
            star.send(rank, _VECTOR.pack(*combined))
        return combined

    def _spread(self, star: Star, mine: bytes | None, root: int) -> bytes:
        if self.rank > 0:
            if mine is not None:
                star.send(0, mine)
            return star.receive(0)
        content = star.receive(root) if mine is None else mine
        for rank in star.neighbours():
            star.send(rank, content)
        return content

    def _waiting(self, talk: Callable[[Star], T]) -> T:
        assert self._star is not None
        self.waiting_since = time.monotonic()
        try:
            return talk(self._star)
        finally:
            self.waiting_since = None
