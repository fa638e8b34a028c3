"""Points of an experiment's runs for its chart."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import JsonResponse, QueryDict
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Run, RunMetric
from experiments.selectors.experiments import experiment_get
from experiments.selectors.overview import experiment_metric_names
from experiments.selectors.points import points_dropped
from experiments.selectors.series import Series, series, summaries_of, view_in
from mlplatform.http.query import numbers_in

MAX_CHART_RUNS = 100
# Pixels, if the page does not say.
CHART_WIDTH = 500


@require_safe
@signed_in
def series_json(request: SignedInRequest, project: str, slug: str) -> JsonResponse:
    """Points of `?metric=` of the newest runs that have it, or of each `?run=<number>`. `?system`: of machines.

    `?width=&x=&from=&to=` say what the chart shows, see selectors/series.py.
    """
    found = experiment_get(request.user, project, slug)
    names = experiment_metric_names(found, system="system" in request.GET)
    metric = metric_in(request.GET, names)
    measured = summaries_of(found, [metric], numbers_in(request.GET, "run"))
    return chart_json(request.GET, metric, names, measured)


def metric_in(query: QueryDict, names: Sequence[str]) -> str:
    """`?metric=`, else the first of the names, which begin with what decides; empty if nothing was reported."""
    return query.get("metric") or next(iter(names), "")


def chart_json(
    query: QueryDict,
    metric: str,
    names: Sequence[str],
    measured: "QuerySet[RunMetric]",
    said: Mapping[UUID, Mapping[str, Any]] = MappingProxyType({}),
) -> JsonResponse:
    """What curves.js reads: the metric of the first runs of `measured`. `said` has more to say of some of them."""
    # Before the points: series.js knows how to go on from too small a count, not from one too large.
    newest = measured[:MAX_CHART_RUNS]
    counts = {summary.run_id: summary.count for summary in newest}
    shown = [summary.run for summary in newest][::-1]
    view = view_in(query, width=CHART_WIDTH, curves=len(shown))
    curves = {item.run_id: item for item in series(shown, [metric], view)}
    return JsonResponse(
        {
            "metric": metric,
            "metrics": names,
            "runs": [
                {**_curve(run, counts[run.pk], curves[run.pk]), **said.get(run.pk, {})}
                for run in shown
                if run.pk in curves
            ],
            "runs_shown": len(shown),
            "dropped": [run.number for run in shown if points_dropped(run)],
            "left_out": measured.count() - len(shown),
        }
    )


def _curve(run: Run, count: int, found: Series) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "number": run.number,
        "attempt": run.attempts_made,
        "count": count,
        "set": run.set_number,
        "params": run.params,
        "start": found.start,
        **found.points.drawn(),
    }
