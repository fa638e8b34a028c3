"""Who may start now: priority first, then fair shares, inside every limit, and nobody is starved by who is smaller."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from runners.admission.claims import NO_LIMITS, Claim, Decision, Rules, Totals
from runners.admission.making_room import MakingRoom
from runners.admission.pools import Room
from runners.admission.reservations import Reservations
from runners.admission.shares import Line, Shares
from runners.limits import Limits

# Room is made for so many of those who are held up at one time.
HEADS = 8


def decide(
    waiting: Sequence[Claim],
    holding: Sequence[Claim],
    totals: Totals,
    *,
    limits: Limits = NO_LIMITS,
    rules: Rules | None = None,
    now: float = 0,
) -> Decision:
    """Decide over one backend. The order of the arguments' rows does not matter."""
    return _Deciding(waiting, holding, totals, limits=limits, rules=rules or Rules(), now=now).decide()


class _Deciding:
    def __init__(
        self,
        waiting: Sequence[Claim],
        holding: Sequence[Claim],
        totals: Totals,
        *,
        limits: Limits,
        rules: Rules,
        now: float,
    ) -> None:
        self._waiting = waiting
        self._rules = rules
        self._now = now
        self._holding = sorted(holding, key=lambda claim: claim.id)
        self._gates = {gate.scope: gate.words for gate in sorted(limits.gates, key=lambda gate: gate.words)}
        self._room = Room(totals, limits, self._holding)
        self._shares = Shares(self._room.backend.limits, rules, self._holding)
        self._reservations = Reservations(self._room, self._holding, now=now)
        self._reasons: dict[UUID, str] = {}
        self._admit: list[Claim] = []
        self._line: list[UUID] = []
        self._heads: list[tuple[Claim, bool]] = []
        # Room only gets less while deciding: who is like one that had to wait has to wait too.
        self._alike: dict[tuple[object, ...], str] = {}
        self._nevers: dict[tuple[object, ...], str] = {}

    def decide(self) -> Decision:
        classes: dict[int, list[Claim]] = defaultdict(list)
        stuck = []
        for claim in self._waiting:
            words = self._never(claim)
            if words:
                # Nobody waits behind what cannot start.
                self._reasons[claim.id] = words
                stuck.append(claim)
            else:
                classes[claim.priority].append(claim)
        for priority in sorted(classes, reverse=True):
            self._one_class(classes[priority])
        making = MakingRoom(self._room, self._shares, self._holding, self._rules, now=self._now)
        for head, overdue in self._heads[:HEADS]:
            making.for_head(head, overdue=overdue)
        stuck.sort(key=lambda claim: (-claim.priority, claim.asked, claim.id))
        return Decision(
            admit=tuple(claim.id for claim in self._admit),
            release=_ids(making.release),
            reasons=self._reasons,
            hand_over=_ids(making.hand_over),
            preempt=_ids(making.preempt),
            line=(*self._line, *_ids(stuck)),
            foreseeable=frozenset(self._line),
        )

    def _never(self, claim: Claim) -> str:
        kind = (claim.cpus, claim.gpus, claim.memory, claim.scopes)
        words = self._nevers.get(kind)
        if words is None:
            gate = next((self._gates[scope] for scope in claim.scopes if scope in self._gates), "")
            words = self._nevers[kind] = self._room.never(claim) or gate
        return words

    def _one_class(self, claims: list[Claim]) -> None:
        first = self._overdue(claims)
        if first:
            self._answer(first, overdue=True)
        line = Line((claim for claim in claims if claim is not first), self._shares)
        while (claim := line.next()) is not None:
            if self._answer(claim, overdue=False):
                line.took()

    def _overdue(self, claims: list[Claim]) -> Claim | None:
        """The one that has waited for too long although its project has no more than its part: it goes first."""
        late = [claim for claim in claims if self._now - claim.asked > self._rules.patience]
        if not late:
            return None
        projects = {claim.project for claim in (*claims, *self._holding)}
        weights = sum(self._rules.weight(project) for project in projects)
        part = {
            project: self._shares.of_project(project) * weights <= 1
            for project in {claim.project for claim in late}
        }
        entitled = [claim for claim in late if part[claim.project]]
        return min(entitled, key=lambda claim: (claim.asked, claim.id), default=None)

    def _answer(self, claim: Claim, *, overdue: bool) -> bool:
        """Whether it is admitted; why not is noted."""
        kind = (claim.priority, claim.cpus, claim.gpus, claim.memory, claim.scopes, claim.lasts)
        words = self._alike.get(kind)
        if words is None:
            words = self._held_up(claim, overdue=overdue)
            if not words:
                return True
            self._alike[kind] = words
        self._line.append(claim.id)
        self._reasons[claim.id] = words
        return False

    def _held_up(self, claim: Claim, *, overdue: bool) -> str:
        """Why it cannot go now; it is admitted, and the words are empty, if it can."""
        lack = self._room.lack(claim)
        if lack:
            pool, kind = lack
            if self._reservations.add(claim, pool, strict=overdue):
                self._heads.append((claim, overdue))
            return pool.why(claim.amounts, kind)
        head = self._reservations.before(claim)
        if head:
            what = "one of higher priority" if head.priority > claim.priority else "an earlier one"
            return f"Waits behind {what} that needs more room."
        self._admit.append(claim)
        self._room.take(claim)
        self._shares.add(claim)
        self._reservations.take(claim)
        return ""


def _ids(claims: Sequence[Claim]) -> tuple[UUID, ...]:
    return tuple(claim.id for claim in claims)
