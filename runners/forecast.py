"""When will it probably start? The decision played forward with the times that are expected; pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from runners.admission import Claim, Rules, Totals
from runners.admission.simulation import Job, Played, Simulation
from runners.limits import Limits

# Whoever is further behind is told its place only: so far ahead nobody can see.
MOST = 60
MOST_DECISIONS = 240


@dataclass(frozen=True)
class Forecast:
    """Seconds of the clock; None: nobody knows. `freed_by` will probably let go right before it starts."""

    place: int
    starts: float | None = None
    starts_late: float | None = None
    freed_by: UUID | None = None


@dataclass(frozen=True)
class Lengths:
    """Seconds of work that a claim has before it, and of one piece of it; None: unknown."""

    work: float | None
    run: float | None = None


def forecast(
    line: Sequence[Claim],
    holding: Sequence[Claim],
    totals: Totals,
    *,
    limits: Limits,
    rules: Rules,
    now: float,
    median: Mapping[UUID, Lengths],
    late: Mapping[UUID, Lengths],
) -> dict[UUID, Forecast]:
    """Of a line in the order of its turns. `late` are lengths that nine of ten do not exceed.

    All are taken to be late together, which is worse than what happens nine times in ten.
    """
    seen = line[:MOST]
    wanted = {claim.id for claim in seen}

    def play(lengths: Mapping[UUID, Lengths]) -> Played:
        jobs = [_job(claim, lengths, holds=False) for claim in seen]
        jobs += [_job(claim, lengths, holds=True) for claim in holding]
        simulation = Simulation(jobs, totals, limits=limits, rules=rules, begin=now)
        return simulation.run(
            enough=lambda played: played.decisions > MOST_DECISIONS or wanted <= played.starts.keys()
        )

    soon, slow = play(median), play(late)
    found = {}
    for place, claim in enumerate(line, 1):
        starts, at_last = soon.starts.get(claim.id), slow.starts.get(claim.id)
        if starts is not None and at_last is not None:
            at_last = max(starts, at_last)
        found[claim.id] = Forecast(place, starts, at_last, soon.freed_by.get(claim.id))
    return found


def _job(claim: Claim, lengths: Mapping[UUID, Lengths], *, holds: bool) -> Job:
    known = lengths.get(claim.id, Lengths(None))
    work = math.inf if known.work is None else known.work
    if claim.leaving or claim.idle:
        work = 0
    return Job(claim, work, known.run, holds=holds)
