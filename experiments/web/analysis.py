"""The page that analyses a whole sweep, and what its charts fetch."""

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.selectors.analysis import run_columns
from experiments.selectors.experiments import experiment_get
from experiments.selectors.timeline import timeline
from experiments.services.importance import parameter_importance
from experiments.web.heads import experiment_head
from mlplatform.http.pages import render_page


@require_safe
@signed_in
def analysis(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Best so far, parallel coordinates, parameters against the objective, and who trained when."""
    found = experiment_get(request.user, project, slug)
    context = {
        **experiment_head(request, found),
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
