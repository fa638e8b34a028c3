"""What a person comes to see: what goes on in their projects, what came of it, and what went wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, Exists, IntegerField, Max, OuterRef, Q, Subquery, Value, When

from accounts.models import User
from accounts.permissions import visible_projects
from experiments.models import Experiment, ModelVersion, Run
from experiments.selectors.standing import Standing, standings, with_best
from experiments.states import ExperimentState, RunState
from mlplatform.kernel import clock

OPEN = (ExperimentState.ACTIVE, ExperimentState.PAUSED)
OVER = (ExperimentState.COMPLETED, ExperimentState.CANCELED)
SHOWN = 8
RECENT = 5
# Failures of experiments that go on, or ended not longer ago than this.
FRESH = timedelta(days=7)
MAX_LOOKED_AT = 100


@dataclass(frozen=True)
class Failure:
    """Runs of one experiment that failed for one reason; `number` is that of the last one."""

    experiment: Experiment
    cause_code: str
    count: int
    at: datetime
    number: int


@dataclass(frozen=True)
class Dashboard:
    """What is open, with those of the person first, and how many more are; what ended; what failed; new models."""

    open: list[Standing]
    more_open: int
    over: list[Standing]
    failures: list[Failure]
    models: list[ModelVersion]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever started."""
        return not (self.open or self.over or self.failures)


def dashboard(user: User) -> Dashboard:
    """All of it. Ten queries at most."""
    mine = Experiment.objects.filter(project__in=visible_projects(user))
    listed = with_best(mine.select_related("project", "created_by"))
    waiting = Run.objects.filter(experiment=OuterRef("pk"), state=RunState.QUEUED).order_by("number")
    not_by_me = Case(When(created_by=user, then=Value(0)), default=Value(1), output_field=IntegerField())
    is_open = listed.filter(state__in=OPEN).annotate(waiting=Subquery(waiting.values("waiting_reason")[:1]))
    shown = list(is_open.order_by(not_by_me, "-created_at", "-pk")[:SHOWN])
    more = mine.filter(state__in=OPEN).count() - SHOWN if len(shown) == SHOWN else 0
    over = list(listed.filter(state__in=OVER).order_by("-ended_at", "-pk")[:RECENT])
    stood = standings([*shown, *over])
    models = ModelVersion.objects.filter(project__in=visible_projects(user))
    return Dashboard(
        open=stood[: len(shown)],
        more_open=max(more, 0),
        over=stood[len(shown) :],
        failures=_failures(user),
        models=list(models.select_related("project", "run__experiment").order_by("-created_at")[:RECENT]),
    )


def _failures(user: User) -> list[Failure]:
    failed = Run.objects.filter(state=RunState.FAILED)
    fresh = Q(state__in=OPEN) | Q(ended_at__gte=clock.now() - FRESH)
    looked_at = (
        Experiment.objects.filter(fresh, Exists(failed.filter(experiment=OuterRef("pk"))))
        .filter(project__in=visible_projects(user))
        .select_related("project")
        .order_by("-created_at")[:MAX_LOOKED_AT]
    )
    experiments = {experiment.pk: experiment for experiment in looked_at}
    rows = (
        failed.filter(experiment__in=list(experiments))
        .order_by()
        .values("experiment", "cause_code")
        .annotate(count=Count("*"), at=Max("ended_at"), number=Max("number"))
    )
    found = [
        Failure(experiments[row["experiment"]], row["cause_code"], row["count"], row["at"], row["number"])
        for row in rows
        if row["at"]
    ]
    return sorted(found, key=lambda failure: failure.at, reverse=True)[:RECENT]
