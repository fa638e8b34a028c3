"""What would happen: the decision, played forward over jobs whose lengths are known."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from uuid import UUID, uuid5

from runners.admission.claims import NO_LIMITS, Claim, Rules, Totals
from runners.admission.decision import decide
from runners.limits import Limits

NAMESPACE = UUID("6f1f7d0a-8c55-4f4e-9b0a-3c6f0a2b5d11")


@dataclass(frozen=True)
class Job:
    """A claim that is made at `claim.asked`, or that holds already, and has so many seconds of work.

    Its work is made of runs of `run` seconds, between which it can hand over; None: it is one run.
    """

    claim: Claim
    work: float
    run: float | None = None
    holds: bool = False


@dataclass
class Played:
    """When each claim started, when it let go, and who let go last before it started."""

    starts: dict[UUID, float]
    ends: dict[UUID, float]
    freed_by: dict[UUID, UUID]
    # (when, claim) of everything that came back to the line after handing over or preemption.
    returned: dict[UUID, UUID]
    decisions: int = 0


class Simulation:
    """Step by step; `watch` sees the waiting and the holding after every decision."""

    def __init__(
        self,
        jobs: Iterable[Job],
        totals: Totals,
        *,
        limits: Limits = NO_LIMITS,
        rules: Rules | None = None,
        begin: float = 0,
        watch: Callable[[float, Sequence[Claim], Sequence[Claim]], None] | None = None,
    ) -> None:
        self._totals, self._limits, self._rules = totals, limits, rules or Rules()
        self._watch = watch
        self._jobs: dict[UUID, Job] = {}
        self._waiting: dict[UUID, Claim] = {}
        self._holding: dict[UUID, Claim] = {}
        self._ends: dict[UUID, float] = {}
        # (when, order, claim or None for a look at the clock)
        self._events: list[tuple[float, int, UUID | None]] = []
        self._count = 0
        self._last_freed: UUID | None = None
        self.played = Played({}, {}, {}, {})
        for job in sorted(jobs, key=lambda job: (job.claim.asked, job.claim.id)):
            self._add(job, begin)

    def run(self, until: float = math.inf, *, enough: Callable[[Played], bool] | None = None) -> Played:
        """Play until nothing happens any more, the time is over, or it is enough."""
        while self._events and self._events[0][0] <= until:
            now = self._events[0][0]
            while self._events and self._events[0][0] <= now:
                self._happen(now, heappop(self._events)[2])
            if self._waiting:
                self._decide(now)
            if self._watch:
                self._watch(now, list(self._waiting.values()), list(self._holding.values()))
            if enough and enough(self.played):
                break
        return self.played

    def _add(self, job: Job, begin: float) -> None:
        self._jobs[job.claim.id] = job
        if job.holds:
            self._holding[job.claim.id] = job.claim
            self._end_at(job.claim.id, begin + job.work)
        else:
            self._push(max(job.claim.asked, begin), job.claim.id)

    def _push(self, when: float, pk: UUID | None) -> None:
        self._count += 1
        heappush(self._events, (when, self._count, pk))

    def _end_at(self, pk: UUID, when: float) -> None:
        self._ends[pk] = when
        if when < math.inf:
            self._push(when, pk)

    def _happen(self, now: float, pk: UUID | None) -> None:
        if pk in self._holding:
            # An end that was put off or brought forward comes by again at its own time.
            if self._ends[pk] <= now:
                del self._holding[pk]
                self.played.ends[pk] = now
                self._last_freed = pk
        elif pk is not None and pk not in self.played.starts:
            self._waiting[pk] = self._jobs[pk].claim
            self._push(now + self._rules.patience + 1, None)

    def _decide(self, now: float) -> None:
        self.played.decisions += 1
        decision = decide(
            list(self._waiting.values()),
            list(self._holding.values()),
            self._totals,
            limits=self._limits,
            rules=self._rules,
            now=now,
        )
        for pk in decision.release:
            self._end_at(pk, now)
            self._holding[pk] = replace(self._holding[pk], leaving=True)
        for pk in decision.hand_over:
            self._stop(pk, now, self._turn_ends(pk, now))
        for pk in decision.preempt:
            self._stop(pk, now, now)
        for pk in decision.admit:
            self._start(pk, now)

    def _start(self, pk: UUID, now: float) -> None:
        claim = self._waiting.pop(pk)
        job = self._jobs[pk]
        ends = None if claim.lasts is None else now + claim.lasts
        self._holding[pk] = replace(claim, since=now, ends=ends)
        self.played.starts[pk] = now
        if self._last_freed:
            self.played.freed_by[pk] = self._last_freed
        self._end_at(pk, now + job.work)
        self._push(now + self._rules.turn, None)

    def _turn_ends(self, pk: UUID, now: float) -> float:
        job, since = self._jobs[pk], self._holding[pk].since
        if not job.run:
            return self._ends[pk]
        turns = max(1, math.ceil((now - since) / job.run))
        return min(self._ends[pk], since + turns * job.run)

    def _stop(self, pk: UUID, now: float, when: float) -> None:
        """It ends then; what is left of its work comes back as a claim like it."""
        held, job = self._holding[pk], self._jobs[pk]
        left = self._ends[pk] - when
        self._holding[pk] = replace(held, draining=True, leaving=when <= now, ends=when)
        self._end_at(pk, when)
        if left > 0 and left < math.inf:
            again = uuid5(NAMESPACE, f"{pk} {when}")
            self.played.returned[again] = pk
            claim = replace(job.claim, id=again, asked=when, since=0.0, ends=None)
            self._add(Job(claim, left, job.run), when)
