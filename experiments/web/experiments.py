"""The page of an experiment, and its chart."""

import math
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.permissions import allowed
from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Experiment, ModelVersion, Run
from experiments.points_file import points_file
from experiments.selectors.experiments import experiment_get
from experiments.selectors.groups import set_rows
from experiments.selectors.overview import experiment_metric_names, run_counts
from experiments.selectors.points import points_dropped
from experiments.selectors.runs import RunRow, best_run, run_table
from experiments.selectors.series import Series, series, view_in
from experiments.selectors.tracking import tracking_trouble
from experiments.states import RunState
from experiments.web.columns import run_columns, set_columns
from experiments.web.tiles import budget_shown, search_shown
from mlplatform.http.pages import render_page

# More digits than any run's number has.
MAX_DIGITS = 10
MAX_CHART_RUNS = 100
# Pixels, if the page does not say.
CHART_WIDTH = 500


@require_safe
@signed_in
def experiment(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Counts, the best run, curves, and all runs in the order of `?sort=`, or with `?group=set` the sets."""
    found = experiment_get(request.user, project, slug)
    sort, grouped = request.GET.get("sort") or "number", request.GET.get("group") == "set"
    table = run_table(found, "number" if grouped else sort)
    sets = set_rows(table, sort) if grouped else None
    columns = run_columns(found, table) if sets is None else set_columns(found, table, sets, sort)
    best = best_run(found)
    context = {
        "project": found.project,
        "experiment": found,
        "table": table,
        "sets": sets,
        "has_repeats": any(row.run.repeat > 1 for row in table.rows),
        "columns": columns.shown,
        "shared": columns.shared,
        "more_sorts": columns.more_sorts,
        "counts": run_counts(row.run for row in table.rows),
        "failed_count": sum(row.run.state == RunState.FAILED for row in table.rows),
        "search": search_shown(found, [row.run for row in table.rows]),
        "budget": budget_shown(found),
        "best": best,
        "model": ModelVersion.objects.filter(run__experiment=found).select_related("project", "run").first(),
        **_objective(found, table.rows, best.pk if best else None),
        "seconds": _seconds(table.rows),
        "tracking": tracking_trouble(row.run for row in table.rows),
        "series_url": reverse("series", args=[found.project.slug, found.slug]),
        "points_url": reverse("experiment_points", args=[found.project.slug, found.slug, "csv"]).removesuffix(
            "csv"
        ),
        "may_launch": allowed(request.user, "launch", found.project),
        "may_control": allowed(request.user, "control", found.project),
    }
    return render_page(request, "experiments/experiment.html", context, fragment="overview")


@require_safe
@signed_in
def series_json(request: SignedInRequest, project: str, slug: str) -> JsonResponse:
    """Points of `?metric=` of the newest runs, or of each `?run=<number>`, for chart.js.

    `?width=&x=&from=&to=` say what the chart shows, see selectors/series.py.
    """
    found = experiment_get(request.user, project, slug)
    runs = found.runs.all()
    only = [int(text) for text in request.GET.getlist("run") if text.isdecimal() and len(text) < MAX_DIGITS]
    if only:
        runs = runs.filter(number__in=only)
    shown = list(runs.order_by("-number")[:MAX_CHART_RUNS])
    names = experiment_metric_names(found)
    metric = request.GET.get("metric") or (names[0] if names else "")
    view = view_in(request.GET, width=CHART_WIDTH, curves=len(shown))
    curves = {item.run_id: item for item in series(shown, [metric], view)}
    return JsonResponse(
        {
            "metric": metric,
            "metrics": names,
            "runs": [_curve(run, curves[run.pk]) for run in reversed(shown) if run.pk in curves],
            "runs_shown": len(shown),
            "dropped": [run.number for run in reversed(shown) if points_dropped(run)],
            "left_out": runs.count() - len(shown),
        }
    )


@require_safe
@signed_in
def points(request: SignedInRequest, project: str, slug: str, kind: str) -> StreamingHttpResponse:
    """All points of all runs, or those of each `?name=`, as one file."""
    found = experiment_get(request.user, project, slug)
    return points_file(found.runs.order_by("number"), request.GET, slug, kind)


def _curve(run: Run, found: Series) -> dict[str, Any]:
    values = found.points.values.tolist()
    return {
        "id": str(run.pk),
        "number": run.number,
        "start": found.start,
        "steps": found.points.steps.tolist(),
        "values": [value if math.isfinite(value) else None for value in values],
        "times": found.points.times.tolist(),
    }


def _objective(found: Experiment, rows: Iterable[RunRow], best: UUID | None) -> dict[str, float | int | None]:
    """The best value of the objective, and the step that reached it."""
    for row in rows:
        metric = row.metrics.get(found.objective_metric)
        if metric and row.run.pk == best:
            step = getattr(metric, f"{found.objective_field}_step")
            return {"objective": row.objective, "objective_step": step}
    return {}


def _seconds(rows: Iterable[RunRow]) -> float | None:
    """Run time of all runs together: runs may be added days later, so the time between first and last says little."""
    seconds = [row.seconds for row in rows if row.seconds is not None]
    return sum(seconds) if seconds else None
