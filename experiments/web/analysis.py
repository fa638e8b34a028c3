"""The page that analyses a whole sweep."""

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.selectors.experiments import experiment_get
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
            part: reverse(f"api_{part}", args=[found.pk]) for part in ("columns", "importance", "timeline")
        },
    }
    return render_page(request, "experiments/analysis.html", context)
