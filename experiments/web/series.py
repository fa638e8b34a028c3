"""Points of an experiment's runs: for its chart, and as a file."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.http import JsonResponse, QueryDict, StreamingHttpResponse
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Run
from experiments.points_file import points_file
from experiments.selectors.experiments import experiment_get
from experiments.selectors.overview import experiment_metric_names
from experiments.selectors.points import points_dropped
from experiments.selectors.series import Series, metric_counts, series, view_in

# More digits than any run's number has.
MAX_DIGITS = 10
MAX_CHART_RUNS = 100
# Pixels, if the page does not say.
CHART_WIDTH = 500


@require_safe
@signed_in
def series_json(request: SignedInRequest, project: str, slug: str) -> JsonResponse:
    """Points of `?metric=` of the newest runs, or of each `?run=<number>`, for its chart. `?system`: of machines.

    `?width=&x=&from=&to=` say what the chart shows, see selectors/series.py.
    """
    found = experiment_get(request.user, project, slug)
    runs = found.runs.all()
    only = [int(text) for text in request.GET.getlist("run") if text.isdecimal() and len(text) < MAX_DIGITS]
    if only:
        runs = runs.filter(number__in=only)
    shown = list(runs.order_by("-number")[:MAX_CHART_RUNS])[::-1]
    names = experiment_metric_names(found, system="system" in request.GET)
    return chart_json(request.GET, shown, names, left_out=runs.count() - len(shown))


def chart_json(
    query: QueryDict,
    shown: Sequence[Run],
    names: Sequence[str],
    *,
    left_out: int = 0,
    said: Mapping[UUID, Mapping[str, Any]] = MappingProxyType({}),
) -> JsonResponse:
    """What curves.js reads: one metric of each of the runs that has it. `said` has more to say of some of them."""
    metric = query.get("metric") or (names[0] if names else "")
    view = view_in(query, width=CHART_WIDTH, curves=len(shown))
    # Before the points: series.js knows how to go on from too small a count, not from one too large.
    counts = metric_counts(shown, metric)
    curves = {item.run_id: item for item in series(shown, [metric], view)}
    return JsonResponse(
        {
            "metric": metric,
            "metrics": names,
            "runs": [
                {**_curve(run, counts.get(run.pk, 0), curves[run.pk]), **said.get(run.pk, {})}
                for run in shown
                if run.pk in curves
            ],
            "runs_shown": len(shown),
            "dropped": [run.number for run in shown if points_dropped(run)],
            "left_out": left_out,
        }
    )


@require_safe
@signed_in
def points(request: SignedInRequest, project: str, slug: str, kind: str) -> StreamingHttpResponse:
    """All points of all runs, or those of each `?name=`, as one file."""
    found = experiment_get(request.user, project, slug)
    return points_file(found.runs.order_by("number"), request.GET, slug, kind)


def _curve(run: Run, count: int, found: Series) -> dict[str, Any]:
    values = found.points.values.tolist()
    return {
        "id": str(run.pk),
        "number": run.number,
        "attempt": run.attempts_made,
        "count": count,
        "set": run.set_number,
        "params": run.params,
        "start": found.start,
        "steps": found.points.steps.tolist(),
        "values": [value if math.isfinite(value) else None for value in values],
        "times": found.points.times.tolist(),
    }
