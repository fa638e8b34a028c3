"""What a project has used: runs, hours of CPUs and GPUs, storage of its code."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, F, Q, Sum

from accounts.models import Project
from experiments.models import Bundle, Experiment, Run
from experiments.states import RUN_LEASED
from mlplatform.kernel import clock
from runners.selectors.allocations import resource_hours

HOUR = 3600
MOST = 10


@dataclass
class Share:
    """The part of one person or one experiment; hours are those that runs trained."""

    name: str
    experiment: Experiment | None = None
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
    experiments: list[Share] = field(default_factory=list)
    code_bytes: int = 0
    code_files: int = 0


def usage(project: Project) -> Usage:
    """All of it, since the beginning. Five queries."""
    experiments = Experiment.objects.filter(project=project).select_related("created_by")
    seconds = _seconds(project)
    shares = [_share(experiment, *seconds.get(experiment.pk, (0, 0.0))) for experiment in experiments]
    people: dict[str, Share] = {}
    total = Share("All")
    for share in shares:
        assert share.experiment is not None
        name = share.experiment.created_by.username
        people.setdefault(name, Share(name)).add(share)
        total.add(share)
    cpu_hours, gpu_hours = resource_hours(Experiment.objects.filter(project=project).values("pk"))
    code = Bundle.objects.filter(project=project).order_by().values("sha256", "size").distinct()
    sizes = [row["size"] for row in code]
    return Usage(
        total, cpu_hours, gpu_hours, _most(people.values()), _most(shares)[:MOST], sum(sizes), len(sizes)
    )


def _seconds(project: Project) -> dict[UUID, tuple[int, float]]:
    """Runs and seconds of training of each experiment."""
    runs = Run.objects.filter(experiment__project=project).order_by()
    now = clock.now()
    open_since = Sum(now - F("attempt_started_at"), filter=Q(state__in=RUN_LEASED))
    rows = runs.values("experiment").annotate(count=Count("*"), ended=Sum("attempted"), open=open_since)
    return {
        row["experiment"]: (
            row["count"],
            sum(each.total_seconds() for each in (row["ended"], row["open"]) if each is not None),
        )
        for row in rows
    }


def _share(experiment: Experiment, runs: int, seconds: float) -> Share:
    hours = seconds * experiment.workers / HOUR
    return Share(
        experiment.name,
        experiment,
        1,
        runs,
        hours * experiment.cpus_per_worker,
        hours * experiment.gpus_per_worker,
    )


def _most(shares: Iterable[Share]) -> list[Share]:
    return sorted(shares, key=lambda share: (-share.gpu_hours, -share.cpu_hours, -share.runs, share.name))
