"""REST: runs of an experiment, their metrics and logs."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.selectors.projects import project_get
from experiments.api.output import attempt_json, deletion_json, run_json, series_json, set_json
from experiments.models import Run
from experiments.points_file import points_file
from experiments.selectors.experiments import experiment_by_id
from experiments.selectors.export import runs_of
from experiments.selectors.groups import set_table
from experiments.selectors.runs import run_at, run_by_id, run_details, run_rows_new
from experiments.selectors.series import metric_names, series, summaries_of, view_in
from experiments.selectors.tables import (
    Row,
    RunSpace,
    TableReader,
    experiment_space,
    project_space,
    run_table,
)
from experiments.services.deletion import run_delete
from experiments.services.launch import runs_add
from mlplatform.http.input import Input, checked
from mlplatform.http.query import number_in, numbers_in
from mlplatform.kernel.errors import InvalidInput
from runners.selectors.allocations import allocations_packages

WIDTH = 500
MAX_CURVES = 200
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


def _run(run: Run) -> dict[str, Any]:
    return run_json(run_details(run))


def _listing(
    request: Request, space: RunSpace, read: TableReader[Row], to_json: Callable[[Row], dict[str, Any]]
) -> Response:
    """A page of a table; the header Link has the next one, Total-Count how many rows there are in all."""
    query = request.query_params
    table = read(
        space,
        where=query.get("where", ""),
        sort=query.get("sort", "number"),
        cursor=query.get("after", ""),
        limit=number_in(query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
    )
    headers = {"Total-Count": str(read.total(space) if table.count is None else table.count)}
    links = [
        f"<{settings.PORTAL_URL}{request.path}?{urlencode({**query.dict(), 'after': cursor})}>; "
        f'rel="{relation}"'
        for relation, cursor in (("next", table.page.following), ("prev", table.page.previous))
        if cursor
    ]
    if links:
        headers["Link"] = ", ".join(links)
    return Response([to_json(row) for row in table.rows], headers=headers)


class ProjectRunsView(APIView):
    """GET ?where=…&sort=-metrics.accuracy: runs of all experiments of a project."""

    def get(self, request: Request, slug: str) -> Response:
        """200; 400 for a query or an order that makes no sense."""
        space = project_space(project_get(caller(request), slug))
        return _listing(request, space, run_table, run_json)


class RunsView(APIView):
    """GET ?where=…&sort=-metrics.accuracy: runs of an experiment. POST runs: add parameter sets."""

    class Sets(Input):
        """Parameter sets to add."""

        runs = serializers.ListField(child=serializers.DictField(), allow_empty=False)

    def get(self, request: Request, pk: UUID) -> Response:
        """200; 400 for a query or an order that makes no sense."""
        space = experiment_space(experiment_by_id(caller(request), pk))
        return _listing(request, space, run_table, run_json)

    @once
    def post(self, request: Request, pk: UUID) -> Response:
        """201 with the new runs."""
        experiment = experiment_by_id(caller(request), pk, "launch")
        sets = checked(self.Sets, request.data)["runs"]
        runs = runs_add(user=caller(request), experiment=experiment, param_sets=sets)
        return Response([run_json(row) for row in run_rows_new(runs)], status=201)


class SetsView(APIView):
    """GET ?where=…&sort=-metrics.accuracy: parameter sets, each with mean and deviation of its repeats."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200; 400 for a query or an order that makes no sense."""
        space = experiment_space(experiment_by_id(caller(request), pk))
        return _listing(request, space, set_table, set_json)


class RunAtView(APIView):
    """GET: one run by its number."""

    def get(self, request: Request, pk: UUID, number: int) -> Response:
        """200, or 404 for a stranger."""
        return Response(_run(run_at(caller(request), pk, number)))


class RunView(APIView):
    """GET: one run. DELETE: delete it with all that it has."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200, or 404 for a stranger."""
        return Response(_run(run_by_id(caller(request), pk)))

    def delete(self, request: Request, pk: UUID) -> Response:
        """202: it is gone, its files follow. 409 while it is open, or where a fork began."""
        run = run_by_id(caller(request), pk, "control")
        return Response(deletion_json(run_delete(user=caller(request), run=run)), status=202)


class RunAttemptsView(APIView):
    """GET: the attempts at a run and what each ran on."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200, oldest first; without packages where the workers have not told."""
        attempts = list(run_by_id(caller(request), pk).attempts.all())
        packages = allocations_packages({each.allocation_id for each in attempts})
        return Response([attempt_json(each, packages[each.allocation_id]) for each in attempts])


def _named(request: Request, runs: int = 1) -> list[str]:
    """The metrics of `?name=`, each once. Raises InvalidInput if so many curves do not fit into an answer."""
    names = list(dict.fromkeys(request.query_params.getlist("name")))
    if len(names) * runs > MAX_CURVES:
        raise InvalidInput(f"At most {MAX_CURVES} curves fit into an answer; ask for fewer.", field="name")
    return names


class RunMetricsView(APIView):
    """GET ?name=loss&width=500: curves of metrics, or without name the names."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200; minima and maxima of each pixel are kept. 400 for too many curves."""
        run = run_by_id(caller(request), pk)
        names = _named(request)
        if not names:
            return Response({"names": metric_names(run)})
        view = view_in(request.query_params, width=WIDTH, curves=len(names))
        return Response([series_json(item) for item in series([run], names, view)])


class SeriesView(APIView):
    """GET ?name=loss&run=1&run=2&width=500: curves of metrics of several runs in one call."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200; 400 for too many curves. Without `run` the newest runs that have one of the metrics."""
        experiment = experiment_by_id(caller(request), pk)
        numbers = numbers_in(request.query_params, "run")
        names = _named(request, runs=len(numbers) or 1)
        if not names:
            raise InvalidInput("Name at least one metric: ?name=loss.", field="name")
        newest = summaries_of(experiment, names, numbers)[:MAX_CURVES]
        runs = list({summary.run_id: summary.run for summary in newest}.values())[: MAX_CURVES // len(names)]
        view = view_in(request.query_params, width=WIDTH, curves=len(runs) * len(names))
        return Response([series_json(item) for item in series(runs, names, view)])


class RunPointsView(APIView):
    """GET ?name=loss: all points of a run as a file, of all its metrics or those named."""

    def get(self, request: Request, pk: UUID, kind: str) -> StreamingHttpResponse:
        """200, streamed; 400 for a format that there is not."""
        found = run_by_id(caller(request), pk)
        return points_file([found], request.query_params, f"{found.experiment.slug}-{found.number}", kind)


class ExperimentPointsView(APIView):
    """GET ?name=loss: all points of an experiment's runs as one file."""

    def get(self, request: Request, pk: UUID, kind: str) -> StreamingHttpResponse:
        """200, streamed; 400 for a format that there is not."""
        found = experiment_by_id(caller(request), pk)
        return points_file(runs_of(found), request.query_params, found.slug, kind)
