"""What a person comes to see: what goes on in their projects, what came of it, and what went wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, IntegerField, Max, OuterRef, Q, Subquery, Value, When

from accounts.models import User
from accounts.permissions import visible_projects
from experiments.models import Experiment, ModelVersion, Run
from experiments.selectors.standing import Standing, standings, with_best
from experiments.states import EXPERIMENT_OPEN, ExperimentState, RunState
from mlplatform.kernel import clock

OVER = (ExperimentState.COMPLETED, ExperimentState.CANCELED)
SHOWN = 8
RECENT = 5
# Failures of experiments that go on, or ended not longer ago than this; of so many, the newest.
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
    """All of it. Nine queries at most."""
    mine = Experiment.objects.filter(project__in=visible_projects(user))
    by_others = Case(When(created_by=user, then=Value(0)), default=Value(1), output_field=IntegerField())
    is_open = mine.filter(state__in=EXPERIMENT_OPEN)
    open_ids = list(is_open.order_by(by_others, "-created_at", "-pk").values_list("pk", flat=True)[:SHOWN])
    is_over = mine.filter(state__in=OVER)
    over_ids = list(is_over.order_by("-ended_at", "-pk").values_list("pk", flat=True)[:RECENT])
    # Their best runs are looked for after they were chosen.
    waiting = Run.objects.filter(experiment=OuterRef("pk"), state=RunState.QUEUED).order_by("number")
    rows = with_best(Experiment.objects.select_related("project", "created_by"))
    found = rows.annotate(waiting=Subquery(waiting.values("waiting_reason")[:1])).in_bulk(
        [*open_ids, *over_ids]
    )
    stood = {
        each.experiment.pk: each
        for each in standings([found[pk] for pk in (*open_ids, *over_ids) if pk in found])
    }
    models = ModelVersion.objects.filter(project__in=visible_projects(user))
    return Dashboard(
        open=[stood[pk] for pk in open_ids if pk in stood],
        more_open=is_open.count() - SHOWN if len(open_ids) == SHOWN else 0,
        over=[stood[pk] for pk in over_ids if pk in stood],
        failures=_failures(user),
        models=list(models.select_related("project", "run__experiment").order_by("-created_at")[:RECENT]),
    )


def _failures(user: User) -> list[Failure]:
    fresh = Q(state__in=EXPERIMENT_OPEN) | Q(ended_at__gte=clock.now() - FRESH)
    mine = Experiment.objects.filter(fresh, project__in=visible_projects(user))
    looked_at = mine.select_related("project").order_by("-created_at")[:MAX_LOOKED_AT]
    experiments = {experiment.pk: experiment for experiment in looked_at}
    rows = (
        Run.objects.filter(experiment__in=list(experiments), state=RunState.FAILED)
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
