"""The page of an experiment."""

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, rights, signed_in
from experiments.manifest import FILE_NAME
from experiments.models import ModelVersion
from experiments.selectors.definitions import experiment_yaml
from experiments.selectors.experiments import experiment_get
from experiments.selectors.overview import run_counts
from experiments.selectors.runs import best_objective
from experiments.selectors.tracking import tracking_trouble
from experiments.selectors.waits import experiments_waits
from experiments.states import RunState
from experiments.web.listing import runs_shown
from experiments.web.outcome import best_value, outcome_of
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
    failed = counts.states.get(RunState.FAILED, 0)
    context = {
        "project": found.project,
        "experiment": found,
        "counts": counts,
        "failed_count": failed,
        "search": search_shown(found, counts),
        "budget": budget_shown(found),
        "best": best and best.run,
        "model": ModelVersion.objects.filter(run__experiment=found).select_related("project", "run").first(),
        **best_value(found, best),
        "outcome": outcome_of(found, best, failed),
        "tracking": tracking_trouble(found),
        "wait": experiments_waits(request.user, [found]).get(found.pk),
        "series_url": reverse("series", args=[found.project.slug, found.slug]),
        "points_view": "api_experiment_points",
        "points_pk": found.pk,
        **may,
        **runs_shown(request, found, counts, may_control=may["may_control"]),
    }
    return render_page(request, "experiments/experiment.html", context, fragment="overview")


@require_safe
@signed_in
def definition_yaml(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """What it is, as a file that beside the same code makes another one like it."""
    text = experiment_yaml(experiment_get(request.user, project, slug))
    disposition = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"'}
    return HttpResponse(text, content_type="application/yaml", headers=disposition)
