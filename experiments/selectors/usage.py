"""What a project has used: runs, hours of CPUs and GPUs, storage."""

import heapq
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, Sum

from accounts.models import Project
from experiments.models import Experiment, Run
from experiments.selectors.storage import Stored, stored_in
from experiments.states import RUN_LEASED
from mlplatform.kernel import clock
from runners.selectors.allocations import resource_hours

HOUR = 3600
MOST = 10


# The columns of an experiment that its share is made of.
COLUMNS = ("pk", "name", "slug", "created_by__username", "workers", "cpus_per_worker", "gpus_per_worker")


@dataclass
class Share:
    """The part of one person, or of one experiment (which has a slug); hours are those that runs trained."""

    name: str
    slug: str = ""
    experiments: int = 0
    runs: int = 0
    cpu_hours: float = 0.0
    gpu_hours: float = 0.0

    def add(self, other: "Share") -> None:
        """Together with another."""
        self.experiments += other.experiments
        self.runs += other.runs
        self.cpu_hours += other.cpu_hours
        self.gpu_hours += other.gpu_hours


@dataclass(frozen=True)
class Usage:
    """`total` is what runs trained; held is what jobs had, also while they waited for work."""

    total: Share
    held_cpu_hours: float
    held_gpu_hours: float
    people: list[Share]
    experiments: list[Share]
    stored: Stored


def usage(project: Project) -> Usage:
    """All of it, since the beginning. Seven queries."""
    experiments = Experiment.objects.filter(project=project).order_by()
    seconds = _seconds(project)
    total, people, shares = Share("All"), dict[str, Share](), list[Share]()
    for pk, name, slug, person, workers, cpus, gpus in experiments.values_list(*COLUMNS):
        runs, trained = seconds.get(pk, (0, 0.0))
        hours = trained * workers / HOUR
        share = Share(name, slug, 1, runs, hours * cpus, hours * gpus)
        shares.append(share)
        people.setdefault(person, Share(person)).add(share)
        total.add(share)
    held_cpu_hours, held_gpu_hours = resource_hours(experiments.values("pk"))
    return Usage(
        total=total,
        held_cpu_hours=held_cpu_hours,
        held_gpu_hours=held_gpu_hours,
        people=sorted(people.values(), key=_least_last),
        experiments=heapq.nsmallest(MOST, shares, key=_least_last),
        stored=stored_in(project),
    )


def _seconds(project: Project) -> dict[UUID, tuple[int, float]]:
    """Runs and seconds of training of each experiment."""
    runs = Run.objects.filter(experiment__project=project).order_by()
    open_since = Sum(clock.now() - F("attempt_started_at"), filter=Q(state__in=RUN_LEASED))
    rows = runs.values("experiment").annotate(count=Count("*"), ended=Sum("attempted"), open=open_since)
    return {
        row["experiment"]: (
            row["count"],
            sum(each.total_seconds() for each in (row["ended"], row["open"]) if each is not None),
        )
        for row in rows
    }


def _least_last(share: Share) -> tuple[float, float, int, str]:
    return -share.gpu_hours, -share.cpu_hours, -share.runs, share.name
