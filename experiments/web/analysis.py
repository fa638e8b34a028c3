"""The page that analyses a whole sweep, and what its charts fetch."""

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.permissions import rights
from accounts.web.access import SignedInRequest, signed_in
from experiments.selectors.analysis import run_columns
from experiments.selectors.experiments import experiment_get
from experiments.selectors.overview import run_counts
from experiments.selectors.timeline import timeline
from experiments.services.importance import parameter_importance
from experiments.states import RunState
from mlplatform.http.pages import render_page


@require_safe
@signed_in
def analysis(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Best so far, parallel coordinates, parameters against the objective, and who trained when."""
    found = experiment_get(request.user, project, slug)
    may = rights(request.user, found.project)
    context = {
        "project": found.project,
        "experiment": found,
        "failed_count": run_counts(found).states.get(RunState.FAILED, 0),
        "may_launch": "launch" in may,
        "may_control": "control" in may,
        "sources": {
            part: reverse(f"analysis_{part}", args=[found.project.slug, found.slug])
            for part in ("columns", "importance", "timeline")
        },
    }
    return render_page(request, "experiments/analysis.html", context)


@require_safe
@signed_in
def columns_json(request: SignedInRequest, project: str, slug: str) -> JsonResponse:
    """All runs as columns."""
    return JsonResponse(run_columns(experiment_get(request.user, project, slug)).to_json())


@require_safe
@signed_in
def importance_json(request: SignedInRequest, project: str, slug: str) -> JsonResponse:
    """Which parameters matter; 503 if that takes too long now."""
    return JsonResponse(parameter_importance(experiment_get(request.user, project, slug)).to_json())


@require_safe
@signed_in
def timeline_json(request: SignedInRequest, project: str, slug: str) -> JsonResponse:
    """Who trained when."""
    return JsonResponse(timeline(experiment_get(request.user, project, slug)).to_json())
