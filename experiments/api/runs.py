"""REST: runs of an experiment, their metrics and logs, cancel and retry."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import caller
from experiments.api.output import run_json, series_json
from experiments.models import Run
from experiments.selectors.experiments import experiment_by_id
from experiments.selectors.logs import attempt_in, log_full
from experiments.selectors.runs import run_by_id, run_details, run_table
from experiments.selectors.series import metric_names, series
from experiments.services.control import run_cancel, run_retry
from experiments.services.launch import runs_add
from mlplatform.kernel.errors import InvalidInput


def _run(run: Run) -> dict[str, Any]:
    return run_json(run_details(run))


class RunsView(APIView):
    """GET ?sort=-metric:accuracy: runs of an experiment. POST runs: add parameter sets."""

    class Input(serializers.Serializer[Any]):
        """Parameter sets to add."""

        runs = serializers.ListField(child=serializers.DictField(), allow_empty=False)

    def get(self, request: Request, pk: UUID) -> Response:
        """200; 400 for an unknown sort."""
        table = run_table(experiment_by_id(caller(request), pk), request.query_params.get("sort", "number"))
        return Response([run_json(row) for row in table.rows])

    def post(self, request: Request, pk: UUID) -> Response:
        """201 with the new runs."""
        data = self.Input(data=request.data)
        data.is_valid(raise_exception=True)
        experiment = experiment_by_id(caller(request), pk, "launch")
        runs = runs_add(user=caller(request), experiment=experiment, param_sets=data.validated_data["runs"])
        return Response([_run(run) for run in runs], status=201)


class RunView(APIView):
    """GET: one run."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200, or 404 for a stranger."""
        return Response(_run(run_by_id(caller(request), pk)))


class RunCancelView(APIView):
    """POST: cancel it."""

    def post(self, request: Request, pk: UUID) -> Response:
        """200; 409 if it is over."""
        return Response(_run(run_cancel(user=caller(request), run=run_by_id(caller(request), pk))))


class RunRetryView(APIView):
    """POST: queue a failed or canceled run again."""

    def post(self, request: Request, pk: UUID) -> Response:
        """200; 409 for any other state."""
        return Response(_run(run_retry(user=caller(request), run=run_by_id(caller(request), pk))))


class RunMetricsView(APIView):
    """GET ?name=loss&points=500: points of one metric, or without name the names."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200; `points=all` gives every point, otherwise minima and maxima are kept."""
        run = run_by_id(caller(request), pk)
        name = request.query_params.get("name")
        if not name:
            return Response({"names": metric_names(run)})
        text = request.query_params.get("points", "500")
        if text != "all" and not (text.isascii() and text.isdecimal() and 0 < int(text[:7]) <= 100_000):
            raise InvalidInput(
                f"points is {text!r}; write a number from 1 to 100000, or all.", field="points"
            )
        found = series([run.id], name, points=None if text == "all" else int(text))
        return Response([series_json(item) for item in found])


class RunLogView(APIView):
    """GET ?attempt=2: what an attempt printed, as text; without it the latest."""

    def get(self, request: Request, pk: UUID) -> HttpResponse:
        """200."""
        text = log_full(run_by_id(caller(request), pk), attempt_in(request.query_params))
        return HttpResponse(text, content_type="text/plain; charset=utf-8")
