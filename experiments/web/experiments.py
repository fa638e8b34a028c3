"""The page of an experiment, its chart, and canceling it."""

import math
from collections.abc import Iterable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import allowed
from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Experiment
from experiments.selectors.experiments import experiment_get
from experiments.selectors.overview import experiment_metric_names, run_counts
from experiments.selectors.runs import RunRow, best_run, run_table
from experiments.selectors.series import series
from experiments.services.control import experiment_cancel
from experiments.web.columns import columns_for
from mlplatform.http.pages import render_page
from mlplatform.kernel.errors import Conflict

# More digits than any run's number has.
MAX_DIGITS = 10
MAX_CHART_RUNS = 100
MAX_CHART_POINTS = 20_000


@require_safe
@signed_in
def experiment(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Counts, the best run, curves, and all runs in the order of `?sort=`."""
    found = experiment_get(request.user, project, slug)
    table = run_table(found, request.GET.get("sort") or "number")
    columns, shared = columns_for(found, table)
    best = best_run(found)
    context = {
        "project": found.project,
        "experiment": found,
        "table": table,
        "columns": columns,
        "shared": shared,
        "counts": run_counts(row.run for row in table.rows),
        "best": best,
        **_objective(found, table.rows, best.pk if best else None),
        "seconds": _seconds(table.rows),
        "series_url": reverse("series", args=[found.project.slug, found.slug]),
        "may_launch": allowed(request.user, "launch", found.project),
        "may_control": allowed(request.user, "control", found.project),
    }
    return render_page(request, "experiments/experiment.html", context, fragment="overview")


@require_safe
@signed_in
def series_json(request: SignedInRequest, project: str, slug: str) -> JsonResponse:
    """Points of `?metric=` of every run, or of `?run=<number>` only, for chart.js."""
    found = experiment_get(request.user, project, slug)
    runs = found.runs.all()
    only = request.GET.get("run", "")
    if only.isdecimal() and len(only) < MAX_DIGITS:
        runs = runs.filter(number=int(only))
    numbers = dict(runs.order_by("-number").values_list("pk", "number")[:MAX_CHART_RUNS])
    names = experiment_metric_names(found)
    metric = request.GET.get("metric") or (names[0] if names else "")
    points = max(50, min(500, MAX_CHART_POINTS // max(len(numbers), 1)))
    curves = [
        {
            "id": str(item.run_id),
            "number": numbers[item.run_id],
            "steps": item.steps,
            "values": [value if math.isfinite(value) else None for value in item.values],
        }
        for item in series(numbers, metric, points=points)
    ]
    return JsonResponse(
        {"metric": metric, "metrics": names, "runs": sorted(curves, key=lambda curve: str(curve["number"]))}
    )


@require_POST
@signed_in
def cancel(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Cancel everything that has not finished."""
    found = experiment_get(request.user, project, slug, "control")
    try:
        experiment_cancel(user=request.user, experiment=found)
        messages.success(request, f"{found.name} is canceled. Runs that train stop at their next report.")
    except Conflict as error:
        messages.error(request, error.message)
    return redirect(found)


def _objective(found: Experiment, rows: Iterable[RunRow], best: UUID | None) -> dict[str, float | int | None]:
    """The best value of the objective, and the step that reached it."""
    for row in rows:
        metric = row.metrics.get(found.objective_metric)
        if metric and row.run.pk == best:
            high = found.objective_direction == "maximize"
            return {
                "objective": metric.max if high else metric.min,
                "objective_step": metric.max_step if high else metric.min_step,
            }
    return {}


def _seconds(rows: Iterable[RunRow]) -> float | None:
    """Run time of all runs together: runs may be added days later, so the time between first and last says little."""
    seconds = [row.seconds for row in rows if row.seconds is not None]
    return sum(seconds) if seconds else None
