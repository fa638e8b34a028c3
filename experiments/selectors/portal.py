"""The whole portal in numbers, for those who run it."""

import platform
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

import django
from django.conf import settings
from django.db import connection
from django.db.models import Count, Min

from accounts.models import Project, User
from experiments.models import Bundle, Experiment, ModelVersion, Run, TrackingSync
from experiments.states import RUN_TERMINAL, ExperimentState, RunState
from mlplatform.kernel import clock
from runners.models import Allocation
from runners.selectors.capacity import Capacity, allocations_holding, capacities
from runners.selectors.installed import installed
from runners.states import AllocationState

LATELY = timedelta(days=1)
# Ends of an allocation that nobody wanted.
TROUBLES = ("failed", "submit_failed", "start_timeout", "backend_lost", "stop_timeout")


@dataclass(frozen=True)
class Outbox:
    """What MLflow has not been told: runs, since when the first of them waits, and how many were tried in vain."""

    count: int
    since: datetime | None
    failing: int


@dataclass(frozen=True)
class Portal:
    """Counts of what there is, what waits, how the backends did lately, and which versions run."""

    people: int
    active_people: int
    projects: int
    experiments: int
    active_experiments: int
    models: int
    runs: dict[str, int]
    jobs_waiting: int
    capacities: list[Capacity]
    troubles: list[tuple[str, str, int]]
    code_bytes: int
    database_bytes: int
    outbox: Outbox
    versions: list[tuple[str, str]]

    @property
    def run_count(self) -> int:
        """All runs."""
        return sum(self.runs.values())


def portal() -> Portal:
    """All of it. A dozen queries."""
    since = clock.now() - LATELY
    runs = dict(Run.objects.order_by().values_list("state").annotate(count=Count("*")))
    experiments = dict(Experiment.objects.order_by().values_list("state").annotate(count=Count("*")))
    ended = Allocation.objects.filter(ended_at__gte=since, end_reason__in=TROUBLES).order_by()
    code = Bundle.objects.order_by().values("sha256", "size").distinct()
    return Portal(
        people=User.objects.count(),
        active_people=User.objects.filter(last_login__gte=since).count(),
        projects=Project.objects.count(),
        experiments=sum(experiments.values()),
        active_experiments=experiments.get(ExperimentState.ACTIVE, 0),
        models=ModelVersion.objects.count(),
        runs={state: runs[state] for state in RunState.values if state in runs},
        jobs_waiting=Allocation.objects.filter(state=AllocationState.WAITING).count(),
        capacities=capacities(allocations_holding()),
        troubles=list(ended.values_list("backend", "end_reason").annotate(count=Count("*"))),
        code_bytes=sum(row["size"] for row in code),
        database_bytes=_database_bytes(),
        outbox=_outbox(),
        versions=_versions(),
    )


def _outbox() -> Outbox:
    waiting = TrackingSync.objects.filter(synced_at__isnull=True, run__state__in=RUN_TERMINAL)
    found = waiting.aggregate(count=Count("pk"), since=Min("run__ended_at"))
    return Outbox(found["count"], found["since"], waiting.exclude(last_error="").count())


def _database_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _versions() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0].partition(" ")[0]
    try:
        own = version("mlplatform")
    except PackageNotFoundError:
        own = ""
    ours = [("mlplatform", own), ("Django", django.get_version())]
    told = [
        (f"{name} ({backend})", found)
        for backend in settings.BACKENDS
        for name, found in installed(backend).items()
    ]
    return [*ours, ("Python", platform.python_version()), ("PostgreSQL", postgres), *told]
