"""Who gives up what it holds for somebody who waits: nobody where it would not help, and nobody right after a start."""

from collections.abc import Iterable, Mapping, Sequence

from runners.admission.claims import Claim, Rules
from runners.admission.pools import TOLERANCE, Room
from runners.admission.shares import Shares


class MakingRoom:
    """Look at those who are held up one after the other, in the order of their turn."""

    def __init__(
        self, room: Room, shares: Shares, holding: Sequence[Claim], rules: Rules, *, now: float
    ) -> None:
        self._room = room
        self._shares = shares
        self._holding = holding
        self._rules = rules
        self._now = now
        # What will be there besides what is free, by pool.
        self._coming: dict[str, list[float]] = {}
        self.release: list[Claim] = []
        self.hand_over: list[Claim] = []
        self.preempt: list[Claim] = []
        self._add(claim for claim in holding if claim.leaving)

    def for_head(self, head: Claim, *, overdue: bool) -> None:
        """See to it that there will be room for this one, if anybody can make some."""
        if not self._fits(head):
            self._ask(head, overdue=overdue)
        self._add([head], -1)

    def _ask(self, head: Claim, *, overdue: bool) -> None:
        idle = [claim for claim in self._unasked() if claim.idle]
        if self._helps(head, idle):
            self._take(self.release, idle)
            return
        stoppable = [claim for claim in self._unasked() if self._may_preempt(claim, head)]
        if stopped := self._fewest(head, idle, stoppable):
            self._take(self.release, idle)
            self._take(self.preempt, stopped)
            return
        ending = [claim for claim in self._unasked() if claim.draining]
        if self._helps(head, [*idle, *ending]):
            return
        turns = self._by_turns(head, overdue=overdue)
        if giving := self._fewest(head, [*idle, *ending], turns):
            self._take(self.release, idle)
            self._take(self.hand_over, giving)

    def _by_turns(self, head: Claim, *, overdue: bool) -> list[Claim]:
        """Who hands over after its current work: lower priorities, and whoever has more than the head would have."""
        rested = [
            claim
            for claim in self._unasked()
            if not (claim.idle or claim.draining)
            and claim.priority <= head.priority
            and self._now - claim.since >= self._rules.turn
        ]
        found = []
        for claim in sorted(rested, key=self._order):
            if overdue or claim.priority < head.priority or self._richer(claim, head):
                found.append(claim)
                self._shares.add(claim, -1)
        for claim in found:
            self._shares.add(claim)
        return found

    def _richer(self, claim: Claim, head: Claim) -> bool:
        """Whether its project, or within one project its person, has at least as much as the head's would have."""
        wants = head.amounts
        if claim.project != head.project:
            would = self._shares.of_project(head.project, wants)
            return would <= self._shares.of_project(claim.project)
        if claim.user != head.user:
            would = self._shares.of_person(head.project, head.user, wants)
            return would <= self._shares.of_person(claim.project, claim.user)
        return False

    def _may_preempt(self, claim: Claim, head: Claim) -> bool:
        return (
            claim.preemptible
            and not claim.idle
            and claim.priority < head.priority
            and self._now - claim.since >= self._rules.min_run
        )

    def _order(self, claim: Claim) -> tuple[object, ...]:
        """Least important first, then from the richest project, then what has lost least: the newest."""
        return claim.priority, -self._shares.of_project(claim.project), -claim.since, claim.id

    def _fewest(self, head: Claim, sure: Sequence[Claim], willing: Sequence[Claim]) -> list[Claim]:
        """As many of the willing as it takes besides the sure ones; none if all of them would not do."""
        if not self._helps(head, [*sure, *willing]):
            return []
        coming = self._with([*sure, *willing])
        chosen = []
        # Whoever would have to give most is let off first.
        for claim in sorted(willing, key=self._order, reverse=True):
            _sum(self._room, coming, [claim], -1)
            if not self._covers(head, coming):
                _sum(self._room, coming, [claim], 1)
                chosen.append(claim)
        return chosen[::-1]

    def _unasked(self) -> list[Claim]:
        asked = {claim.id for claim in (*self.release, *self.hand_over, *self.preempt)}
        return [claim for claim in self._holding if not claim.leaving and claim.id not in asked]

    def _take(self, into: list[Claim], claims: Iterable[Claim]) -> None:
        found = list(claims)
        into.extend(found)
        self._add(found)

    def _add(self, claims: Iterable[Claim], sign: int = 1) -> None:
        _sum(self._room, self._coming, claims, sign)

    def _helps(self, head: Claim, claims: Sequence[Claim]) -> bool:
        return bool(claims) and self._fits(head, claims)

    def _fits(self, head: Claim, claims: Sequence[Claim] = ()) -> bool:
        return self._covers(head, self._with(claims))

    def _with(self, claims: Iterable[Claim]) -> dict[str, list[float]]:
        """What will be there by pool if these give up what they hold."""
        coming = {scope: list(amounts) for scope, amounts in self._coming.items()}
        _sum(self._room, coming, claims, 1)
        return coming

    def _covers(self, head: Claim, coming: Mapping[str, Sequence[float]]) -> bool:
        for pool in self._room.pools(head):
            more = coming.get(pool.scope, (0.0, 0.0, 0.0, 0.0))
            if any(
                want and want > have + extra + TOLERANCE
                for want, have, extra in zip(head.amounts, pool.free, more, strict=True)
            ):
                return False
        return True


def _sum(room: Room, into: dict[str, list[float]], claims: Iterable[Claim], sign: int) -> None:
    for claim in claims:
        for pool in room.pools(claim):
            amounts = into.setdefault(pool.scope, [0.0, 0.0, 0.0, 0.0])
            for kind, amount in enumerate(claim.amounts):
                amounts[kind] += sign * amount
