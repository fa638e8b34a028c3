"""The page of an experiment."""

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.permissions import rights
from accounts.web.access import SignedInRequest, signed_in
from experiments.models import ModelVersion, RunMetric
from experiments.selectors.experiments import experiment_get
from experiments.selectors.overview import run_counts
from experiments.selectors.runs import best_objective
from experiments.selectors.tracking import tracking_trouble
from experiments.states import RunState
from experiments.web.listing import runs_shown
from experiments.web.tiles import budget_shown, search_shown
from mlplatform.http.pages import render_page


@require_safe
@signed_in
def experiment(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Counts, the best run, curves, and a page of runs (with `?group=set` of sets) as the address says; see Look."""
    found = experiment_get(request.user, project, slug)
    counts = run_counts(found)
    may = rights(request.user, found.project)
    best = best_objective(found)
    context = {
        "project": found.project,
        "experiment": found,
        "counts": counts,
        "failed_count": counts.states.get(RunState.FAILED, 0),
        "search": search_shown(found, counts),
        "budget": budget_shown(found),
        "best": best and best.run,
        "model": ModelVersion.objects.filter(run__experiment=found).select_related("project", "run").first(),
        **_objective(best, found.objective_field),
        "tracking": tracking_trouble(found),
        "series_url": reverse("series", args=[found.project.slug, found.slug]),
        "points_view": "api_experiment_points",
        "points_pk": found.pk,
        "may_launch": "launch" in may,
        "may_control": "control" in may,
        **runs_shown(request, found, counts, may_control="control" in may),
    }
    return render_page(request, "experiments/experiment.html", context, fragment="overview")


def _objective(best: RunMetric | None, field: str) -> dict[str, float | int | None]:
    """The best value of the objective, and the step that reached it."""
    if best is None:
        return {}
    return {"objective": getattr(best, field), "objective_step": getattr(best, f"{field}_step")}
