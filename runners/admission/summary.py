"""What a simulated queue was like for those who waited in it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from runners.admission.claims import Totals
from runners.admission.simulation import Job, Played


@dataclass(frozen=True)
class Waits:
    """Seconds between asking and starting, of jobs that started."""

    jobs: int
    never: int
    median: float
    late: float
    longest: float


@dataclass(frozen=True)
class Summary:
    """`used` is the part of each kind that was held from the first start to the last end.

    `jain` is Jain's index of the projects' speeds (work ÷ (wait + work)): 1 where all are held up alike, 1/n where
    only one of n comes forward.
    """

    everybody: Waits
    projects: dict[str, Waits]
    used: dict[str, float]
    jain: float
    seconds: float


def summarize(jobs: Sequence[Job], played: Played, totals: Totals) -> Summary:
    """Of a simulation that came to its end. Work that came back to the line counts for the job that it is of."""
    first = _origins(played.returned)
    by_project: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        by_project[job.claim.project].append(job)
    held: dict[UUID, float] = defaultdict(float)
    for pk, start in played.starts.items():
        if pk in played.ends:
            held[first.get(pk, pk)] += played.ends[pk] - start
    ended = played.ends.values()
    begin, end = min(played.starts.values(), default=0.0), max(ended, default=0.0)
    span = max(end - begin, 0.0)
    kinds = {"cpus": totals.cpus, "gpus": totals.gpus}
    return Summary(
        everybody=_waits(jobs, played),
        projects={name: _waits(theirs, played) for name, theirs in sorted(by_project.items())},
        used={
            kind: sum(getattr(job.claim, kind) * held[job.claim.id] for job in jobs) / (total * span)
            for kind, total in kinds.items()
            if total and span
        },
        jain=jain([_speed(theirs, played) for theirs in by_project.values()]),
        seconds=span,
    )


def jain(values: Iterable[float]) -> float:
    """1 where all are equal, 1/n where one has everything."""
    known = list(values)
    squares = sum(value * value for value in known)
    return sum(known) ** 2 / (len(known) * squares) if squares else 1.0


def _origins(returned: Mapping[UUID, UUID]) -> dict[UUID, UUID]:
    found: dict[UUID, UUID] = {}
    for pk, before in returned.items():
        found[pk] = found.get(before, before)
    return found


def _waits(jobs: Sequence[Job], played: Played) -> Waits:
    waits = sorted(
        played.starts[job.claim.id] - job.claim.asked for job in jobs if job.claim.id in played.starts
    )
    if not waits:
        return Waits(len(jobs), len(jobs), 0.0, 0.0, 0.0)
    return Waits(len(jobs), len(jobs) - len(waits), _at(waits, 0.5), _at(waits, 0.9), waits[-1])


def _at(ordered: Sequence[float], part: float) -> float:
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def _speed(jobs: Sequence[Job], played: Played) -> float:
    """1: nobody waited; 0: nothing started."""
    speeds = []
    for job in jobs:
        start = played.starts.get(job.claim.id)
        wait = None if start is None else start - job.claim.asked
        speeds.append(0.0 if wait is None else job.work / (wait + job.work) if job.work else 1.0)
    return sum(speeds) / len(speeds) if speeds else 0.0
