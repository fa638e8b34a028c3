"""What holds the backends, what waits for them, and why; of what a person may not see only how much it is."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, OuterRef, QuerySet, Subquery

from accounts.models import User
from accounts.permissions import is_staff, visible_projects
from experiments.models import Experiment, Run
from experiments.selectors.runs import RunRow, run_row
from experiments.selectors.waits import Wait, waits_of
from experiments.states import EXPERIMENT_OPEN, RunState
from mlplatform.kernel import clock
from runners.models import Allocation
from runners.selectors.allocations import allocations_all_live, subjects_held
from runners.selectors.capacity import Capacity, capacities
from runners.selectors.situation import is_waiting
from runners.states import AllocationState

MAX_LINES = 100


@dataclass(frozen=True)
class Held:
    """A job that holds a part of a backend, and the run that it trains, if it does."""

    allocation: Allocation
    experiment: Experiment
    row: RunRow | None
    is_idle: bool


@dataclass
class Waiting:
    """Queued runs of an experiment. `place` is that of its job in the line for the backend; 0: it has none there."""

    experiment: Any
    queued: int
    since: datetime | None
    reason: str
    place: int = 0
    wait: Wait | None = None
    jobs: int = 0
    cpus: float = 0.0
    gpus: float = 0.0
    memory: float = 0.0


@dataclass
class Others:
    """Jobs that one may not see."""

    jobs: int = 0
    cpus: float = 0.0
    gpus: float = 0.0

    def add(self, allocation: Allocation) -> None:
        """One more."""
        self.jobs += 1
        self.cpus += allocation.cpus
        self.gpus += allocation.gpus


@dataclass(frozen=True)
class Queue:
    """`waiting` is in order: the line for the backends first, then runs that wait for workers of their own."""

    capacities: list[Capacity]
    held: list[Held]
    held_by_others: Others
    waiting: list[Waiting]
    waiting_of_others: Others
    # Lines that are left out.
    more: int = 0


def queue(user: User) -> Queue:
    """Everything; staff see all. Ten queries at most."""
    live = allocations_all_live()
    rows = Experiment.objects.select_related("project", "created_by")
    mine = rows if is_staff(user) else rows.filter(project__in=visible_projects(user))
    found = {each.pk: each for each in _waiting(mine)}
    owners = {allocation.owner_id for allocation in live} - found.keys()
    known = mine.in_bulk(owners) | found
    holding = [each for each in live if not is_waiting(each)]
    foreign = [each for each in holding if each.owner_id not in known]
    others, waiting_others = Others(), Others()
    for each in foreign:
        others.add(each)
    in_line = [each for each in live if is_waiting(each)]
    lines = _lines(found, in_line, known, waiting_others)
    waits = waits_of(user, [each for each in in_line if each.owner_id in known])
    for line in lines:
        line.wait = waits.get(line.experiment.pk)
    held = _held([each for each in holding if each.owner_id in known], known)
    return Queue(
        capacities(holding, foreign),
        held[:MAX_LINES],
        others,
        lines[:MAX_LINES],
        waiting_others,
        max(len(lines) - MAX_LINES, 0) + max(len(held) - MAX_LINES, 0),
    )


def _waiting(mine: "QuerySet[Experiment]") -> Iterable[Any]:
    """Experiments with queued runs. Two queries."""
    queued = Run.objects.filter(state=RunState.QUEUED, experiment__state__in=EXPERIMENT_OPEN).order_by()
    counts = {
        row["experiment"]: row
        for row in queued.values("experiment").annotate(count=Count("*"), since=Min("created_at"))
    }
    first = Run.objects.filter(experiment=OuterRef("pk"), state=RunState.QUEUED).order_by("number")
    said = mine.filter(pk__in=list(counts)).annotate(reason=Subquery(first.values("waiting_reason")[:1]))
    experiment: Any
    for experiment in said:
        experiment.queued = counts[experiment.pk]["count"]
        experiment.since = counts[experiment.pk]["since"]
        yield experiment


def _lines(
    found: dict[UUID, Any], in_line: Sequence[Allocation], known: dict[UUID, Experiment], others: Others
) -> list[Waiting]:
    lines = {
        pk: Waiting(each, each.queued, each.since, each.reason or "", **_asked(each))
        for pk, each in found.items()
    }
    # Backends have a line each. Who has just come is at its end until the next decision.
    places: dict[str, int] = defaultdict(int)
    for allocation in sorted(
        in_line, key=lambda each: (each.place is None, each.place or 0, each.created_at)
    ):
        places[allocation.backend] += 1
        experiment = known.get(allocation.owner_id)
        if experiment is None:
            others.add(allocation)
            continue
        line = lines.setdefault(experiment.pk, Waiting(experiment, 0, None, "", **_asked(experiment)))
        line.jobs += 1
        if not line.place:
            line.place, line.since = places[allocation.backend], allocation.created_at
            line.reason = allocation.waiting_reason or line.reason
    now = clock.now()
    return sorted(lines.values(), key=lambda line: (not line.place, line.place, line.since or now))


def _asked(experiment: Experiment) -> dict[str, Any]:
    """What one run asks for, of `cpus`, `gpus` and `memory`."""
    return {
        "cpus": experiment.workers * experiment.cpus_per_worker,
        "gpus": experiment.workers * experiment.gpus_per_worker,
        "memory": experiment.workers * experiment.memory_per_worker,
    }


def _held(holding: Sequence[Allocation], known: dict[UUID, Experiment]) -> list[Held]:
    """Two queries."""
    subjects = subjects_held([allocation.pk for allocation in holding])
    runs = Run.objects.in_bulk(list(subjects.values()))
    now = clock.now()
    lines = []
    for allocation in holding:
        run = runs.get(subjects[allocation.pk]) if allocation.pk in subjects else None
        if run:
            run.experiment = known[allocation.owner_id]
        is_idle = allocation.state == AllocationState.RUNNING and run is None
        lines.append(
            Held(allocation, known[allocation.owner_id], run_row(run, {}, now) if run else None, is_idle)
        )
    return lines
