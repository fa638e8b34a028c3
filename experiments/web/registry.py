"""Pages of registered models and of a model version."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.models import Project
from accounts.selectors.projects import project_get
from accounts.web.access import SignedInRequest, rights, signed_in
from experiments.models import Experiment, ModelVersion
from experiments.models.experiment import Direction
from experiments.selectors.registry import (
    ModelLine,
    model_page,
    model_version_get,
    model_versions,
    versions_of,
)
from experiments.web.lists import Wanted, beside
from experiments.web.trend import Trend, trend
from mlplatform.http.pages import render_page


@dataclass(frozen=True)
class ModelShown:
    """A model and how its objective went."""

    line: ModelLine
    trend: Trend | None


@require_safe
@signed_in
def models(request: SignedInRequest) -> HttpResponse:
    """The models of all my projects."""
    return render_page(request, "experiments/models.html", _listed(request))


@require_safe
@signed_in
def project_models(request: SignedInRequest, project: str) -> HttpResponse:
    """The models of a project."""
    found = project_get(request.user, project)
    context = {"project": found, **_listed(request, found), **rights(request.user, found)}
    return render_page(request, "experiments/project_models.html", context, fragment="models")


@require_safe
@signed_in
def model(request: SignedInRequest, project: str, name: str) -> HttpResponse:
    """The versions of a model."""
    found = project_get(request.user, project)
    versions = versions_of(found, name)
    experiment = versions[0].run.experiment
    is_falling = _lower_is_better(experiment)
    oldest_first = [version.objective for version in reversed(versions)]
    context = {
        "project": found,
        "name": name,
        "experiment": experiment,
        "versions": versions,
        "best": _best(versions, is_falling=is_falling),
        "trend": trend(oldest_first, lower_is_better=is_falling),
    }
    return render_page(request, "experiments/model.html", context, fragment="versions")


@require_safe
@signed_in
def model_version(request: SignedInRequest, project: str, name: str, version: int) -> HttpResponse:
    """Where a model comes from and how to load it."""
    found = model_version_get(request.user, project, name, version)
    context = {
        "project": found.project,
        "experiment": found.run.experiment,
        "run": found.run,
        "version": found,
        "versions": model_versions(found.project).filter(name=name).order_by("-version"),
        "metrics": found.run.metrics.all(),
        "snippet": f'import mlflow\n\nmodel = mlflow.pytorch.load_model("models:/{found.name}/{found.version}")',
    }
    return render_page(request, "experiments/model_version.html", context)


def _listed(request: SignedInRequest, project: Project | None = None) -> dict[str, object]:
    wanted = Wanted.of(request)
    lines, page = model_page(
        request.user, project=project, words=wanted.words, number=request.GET.get("page", "1")
    )
    shown = [
        ModelShown(line, trend(line.objectives, lower_is_better=_lower_is_better(line.newest.run.experiment)))
        for line in lines
    ]
    return {"models": shown, "page": page, "wanted": wanted, **beside(wanted, page)}


def _lower_is_better(experiment: Experiment) -> bool:
    return experiment.objective_direction == Direction.MINIMIZE


def _best(versions: list[ModelVersion], *, is_falling: bool) -> ModelVersion | None:
    known = [(each.objective, each) for each in versions if each.objective is not None]
    sign = -1 if is_falling else 1
    return max(known, key=lambda pair: sign * pair[0])[1] if known else None
