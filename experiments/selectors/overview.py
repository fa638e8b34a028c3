"""Summaries for the pages: project cards, experiment lines, counts of runs, model versions."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, When

from accounts.models import Project
from accounts.permissions import Person
from accounts.selectors.projects import project_get, project_list
from experiments.models import Experiment, ModelVersion, Run, RunMetric
from experiments.models.experiment import Direction
from experiments.selectors.experiments import experiment_list
from experiments.states import RUN_TERMINAL, ExperimentState, RunState
from mlplatform.kernel.errors import NotFound


@dataclass(frozen=True)
class RunCounts:
    """How far an experiment is. `done_progress` counts a half-trained run as a half."""

    total: int
    done: int
    done_progress: float
    words: str


def project_cards(user: Person) -> "QuerySet[Project]":
    """The person's projects with `experiment_count` and `active_count`. One query."""
    active = Q(experiments__state=ExperimentState.ACTIVE)
    return project_list(user).annotate(
        experiment_count=Count("experiments", distinct=True),
        active_count=Count("experiments", filter=active, distinct=True),
    )


def experiment_lines(project: Project, limit: int) -> "QuerySet[Experiment]":
    """The newest experiments with `done_count` and `best_value` of the objective. One query."""
    metrics = RunMetric.objects.filter(
        experiment=OuterRef("pk"), name=OuterRef("objective_metric"), run__state=RunState.COMPLETED
    )
    # nulls_last: a metric that was never finite has no extremes.
    highest = metrics.order_by(F("max").desc(nulls_last=True)).values("max")[:1]
    lowest = metrics.order_by(F("min").asc(nulls_last=True)).values("min")[:1]
    return experiment_list(project).annotate(
        done_count=Count("runs", filter=Q(runs__state__in=RUN_TERMINAL)),
        best_value=Case(
            When(objective_direction=Direction.MAXIMIZE, then=Subquery(highest)), default=Subquery(lowest)
        ),
    )[:limit]


def run_counts(runs: Iterable[Run]) -> RunCounts:
    """Counts over runs that are in memory already."""
    found = list(runs)
    states = Counter(run.state for run in found)
    words = [f"{states[state]} {state}" for state in RunState.values if states[state]]
    return RunCounts(
        total=len(found),
        done=sum(states[state] for state in RUN_TERMINAL),
        done_progress=sum(1.0 if run.is_terminal else run.progress or 0.0 for run in found),
        words=", ".join(words),
    )


def experiment_metric_names(experiment: Experiment) -> list[str]:
    """Metrics that any run reported, the objective first."""
    names = RunMetric.objects.filter(experiment=experiment).values_list("name", flat=True).distinct()
    return sorted(names, key=lambda name: (name != experiment.objective_metric, name))


def neighbours(run: Run) -> tuple[int | None, int | None]:
    """Numbers of the previous and the next run of the experiment."""
    numbers = (
        Run.objects.filter(experiment=run.experiment_id).order_by("number").values_list("number", flat=True)
    )
    return numbers.filter(number__lt=run.number).last(), numbers.filter(number__gt=run.number).first()


def model_versions(project: Project) -> "QuerySet[ModelVersion]":
    """Model versions of a project, newest first, with their runs."""
    rows = ModelVersion.objects.filter(project=project).select_related("project", "run__experiment")
    return rows.order_by("-created_at")


def model_version_get(user: Person, project_slug: str, name: str, version: int) -> ModelVersion:
    """One model version, if the person may see its project. Raises NotFound."""
    project = project_get(user, project_slug)
    rows = model_versions(project).select_related("run__experiment__bundle", "run__experiment__project")
    found = rows.filter(name=name, version=version).first()
    if found is None:
        raise NotFound(f"{project.name} has no model {name} with a version {version}.")
    return found
