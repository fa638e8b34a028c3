"""Who is held up by a pool keeps a place in it, and nobody who goes ahead may make the wait longer (EASY backfill)."""

import math
from collections.abc import Iterable

from runners.admission.claims import Amounts, Claim
from runners.admission.pools import BACKEND, TOLERANCE, Pool, Room


class Reservation:
    """The first that did not fit into a pool. At `starts` it probably will, and then `spare` is left of each kind."""

    def __init__(
        self, pool: Pool, head: Claim, holders: Iterable[Claim], *, now: float, strict: bool
    ) -> None:
        self.head = head
        self._pool = pool
        self._now = now
        self._strict = strict
        self.starts, self._spare = math.inf, [0.0] * 4
        wanted, free = head.amounts, pool.free
        known = sorted(
            (when, claim.id, claim) for claim in holders if (when := _ends(claim, now)) is not None
        )
        times = iter(known)
        at = now
        while not _fits(wanted, free):
            following = next(times, None)
            if following is None:
                return
            at = max(at, following[0])
            free = [have + more for have, more in zip(free, following[2].amounts, strict=True)]
        self.starts = at
        self._spare = [have - want for have, want in zip(free, wanted, strict=True)]

    def allows(self, claim: Claim) -> bool:
        """Whether it may go ahead: it takes nothing of what the first one lacks, is gone by then, or fits beside it."""
        amounts = claim.amounts
        if _fits(
            amounts, [have - want for have, want in zip(self._pool.free, self.head.amounts, strict=True)]
        ):
            return True
        if self._strict:
            return False
        in_time = claim.lasts is not None and self._now + claim.lasts <= self.starts
        return (in_time and self.starts < math.inf) or _fits(amounts, self._spare)

    def take(self, claim: Claim) -> None:
        """It goes ahead."""
        if claim.lasts is None or self._now + claim.lasts > self.starts:
            self._spare = [have - want for have, want in zip(self._spare, claim.amounts, strict=True)]


class Reservations:
    """One for each pool at most."""

    def __init__(self, room: Room, holding: Iterable[Claim], *, now: float) -> None:
        self._room = room
        self._holding = list(holding)
        self._now = now
        self._of: dict[str, Reservation] = {}

    def add(self, claim: Claim, lacking: Pool, *, strict: bool) -> bool:
        """Keep a place for it in the pool that held it up, and if that is the backend in its others; False if taken."""
        if lacking.scope in self._of:
            return False
        pools = self._room.pools(claim) if lacking.scope == BACKEND else (lacking,)
        for pool in pools:
            if pool.scope not in self._of:
                holders = [each for each in self._holding if pool in self._room.pools(each)]
                self._of[pool.scope] = Reservation(pool, claim, holders, now=self._now, strict=strict)
        return True

    def before(self, claim: Claim) -> Claim | None:
        """The one that would have to wait longer if this went ahead."""
        if not self._of:
            return None
        for pool in self._room.pools(claim):
            reservation = self._of.get(pool.scope)
            if reservation and not reservation.allows(claim):
                return reservation.head
        return None

    def take(self, claim: Claim) -> None:
        """It holds now, with the room's knowledge."""
        self._holding.append(claim)
        for pool in self._room.pools(claim):
            reservation = self._of.get(pool.scope)
            if reservation:
                reservation.take(claim)


def _fits(amounts: Amounts, free: Iterable[float]) -> bool:
    return all(not want or want <= have + TOLERANCE for want, have in zip(amounts, free, strict=True))


def _ends(claim: Claim, now: float) -> float | None:
    if claim.idle or claim.leaving:
        return now
    if claim.ends is not None:
        return max(claim.ends, now)
    return None if claim.lasts is None else now + claim.lasts
