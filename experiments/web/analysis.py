"""The page that analyses a whole sweep."""

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.permissions import rights
from accounts.web.access import SignedInRequest, signed_in
from experiments.selectors.experiments import experiment_get
from experiments.selectors.overview import run_counts
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
            part: reverse(f"api_{part}", args=[found.pk]) for part in ("columns", "importance", "timeline")
        },
    }
    return render_page(request, "experiments/analysis.html", context)
