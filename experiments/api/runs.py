"""REST: runs of an experiment, their metrics and logs."""

from collections.abc import Callable
from typing import TypedDict, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.models import User
from accounts.selectors.projects import project_get
from experiments.api.output.deletions import DeletionJson, deletion_json
from experiments.api.output.runs import (
    AttemptJson,
    CurveJson,
    RunJson,
    SetJson,
    WaitingRunJson,
    attempt_json,
    run_json,
    series_json,
    set_json,
    waiting_run_json,
)
from experiments.export import FORMATS
from experiments.models import Run
from experiments.points_file import points_file
from experiments.selectors.experiments import experiment_by_id
from experiments.selectors.export import runs_of
from experiments.selectors.groups import set_table
from experiments.selectors.runs import run_at, run_by_id, run_details, run_rows_new
from experiments.selectors.series import AXES, metric_names, series, summaries_of, view_in
from experiments.selectors.tables import (
    Row,
    RunSpace,
    TableReader,
    experiment_space,
    project_space,
    run_table,
)
from experiments.selectors.waits import run_wait
from experiments.services.deletion import run_delete
from experiments.services.launch import runs_add
from mlplatform.http.answers import Accepted, Answer, Created
from mlplatform.http.input import Input, checked
from mlplatform.http.listing import AFTER, DEFAULT_LIMIT, LIMIT, MAX_LIMIT, linked
from mlplatform.http.query import number_in, numbers_in
from mlplatform.http.schema import query
from mlplatform.kernel.errors import InvalidInput
from runners.selectors.allocations import allocations_packages

WIDTH = 500
MAX_CURVES = 200

Item = TypeVar("Item")
TABLE = extend_schema(
    parameters=[
        query("where", str, "A query that holds for the rows."),
        query("sort", str, "A field to sort by, with - before it for the largest first."),
        AFTER,
        LIMIT,
    ]
)
CURVES = [
    query("name", str, "A metric; as often as you like.", many=True),
    query("width", int, "Pixels that a curve is thinned to."),
    query("x", str, "What the pixels are of.", enum=AXES),
    query("from", float, "Where the part to show begins."),
    query("to", float, "Where it ends."),
]
POINTS = extend_schema(
    parameters=[
        query("name", str, "A metric; as often as you like.", many=True),
        OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=list(FORMATS)),
    ]
)
POINT_FILES = tuple(each.content_type.partition(";")[0] for each in FORMATS.values())


class MetricNamesJson(TypedDict):
    """Metrics that a run has reported."""

    names: list[str]


def _run(user: User, run: Run) -> WaitingRunJson:
    return waiting_run_json(run_details(run), run_wait(user, run))


def _listing(
    request: Request, space: RunSpace, read: TableReader[Row], to_json: Callable[[Row], Item]
) -> Answer[list[Item]]:
    """A page of a table; the header Link has the next one, Total-Count how many rows there are in all."""
    asked = request.query_params
    table = read(
        space,
        where=asked.get("where", ""),
        sort=asked.get("sort", "number"),
        cursor=asked.get("after", ""),
        limit=number_in(asked, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
    )
    total = str(read.total(space) if table.count is None else table.count)
    page = f"{settings.PORTAL_URL}{request.path}?"
    links = {
        relation: page + urlencode({**asked.dict(), "after": cursor})
        for relation, cursor in (("next", table.page.following), ("prev", table.page.previous))
        if cursor
    }
    return Answer(
        [to_json(row) for row in table.rows], headers={"Total-Count": total, **linked(*links.items())}
    )


class ProjectRunsView(APIView):
    """GET ?where=…&sort=-metrics.accuracy: runs of all experiments of a project."""

    @TABLE
    def get(self, request: Request, slug: str) -> Answer[list[RunJson]]:
        """200; 400 for a query or an order that makes no sense."""
        space = project_space(project_get(caller(request), slug))
        return _listing(request, space, run_table, run_json)


class RunsView(APIView):
    """GET ?where=…&sort=-metrics.accuracy: runs of an experiment. POST runs: add parameter sets."""

    class Sets(Input):
        """Parameter sets to add."""

        runs = serializers.ListField(child=serializers.DictField(), allow_empty=False)

    @TABLE
    def get(self, request: Request, pk: UUID) -> Answer[list[RunJson]]:
        """200; 400 for a query or an order that makes no sense."""
        space = experiment_space(experiment_by_id(caller(request), pk))
        return _listing(request, space, run_table, run_json)

    @extend_schema(request=Sets)
    @once
    def post(self, request: Request, pk: UUID) -> Created[list[RunJson]]:
        """201 with the new runs."""
        experiment = experiment_by_id(caller(request), pk, "launch")
        sets = checked(self.Sets, request.data)["runs"]
        runs = runs_add(user=caller(request), experiment=experiment, param_sets=sets)
        return Created([run_json(row) for row in run_rows_new(runs)])


class SetsView(APIView):
    """GET ?where=…&sort=-metrics.accuracy: parameter sets, each with mean and deviation of its repeats."""

    @TABLE
    def get(self, request: Request, pk: UUID) -> Answer[list[SetJson]]:
        """200; 400 for a query or an order that makes no sense."""
        space = experiment_space(experiment_by_id(caller(request), pk))
        return _listing(request, space, set_table, set_json)


class RunAtView(APIView):
    """GET: one run by its number."""

    def get(self, request: Request, pk: UUID, number: int) -> Answer[WaitingRunJson]:
        """200, or 404 for a stranger."""
        return Answer(_run(caller(request), run_at(caller(request), pk, number)))


class RunView(APIView):
    """GET: one run. DELETE: delete it with all that it has."""

    def get(self, request: Request, pk: UUID) -> Answer[WaitingRunJson]:
        """200, or 404 for a stranger."""
        return Answer(_run(caller(request), run_by_id(caller(request), pk)))

    def delete(self, request: Request, pk: UUID) -> Accepted[DeletionJson]:
        """202: it is gone, its files follow. 409 while it is open, or where a fork began."""
        run = run_by_id(caller(request), pk, "control")
        return Accepted(deletion_json(run_delete(user=caller(request), run=run)))


class RunAttemptsView(APIView):
    """GET: the attempts at a run and what each ran on."""

    def get(self, request: Request, pk: UUID) -> Answer[list[AttemptJson]]:
        """200, oldest first; without packages where the workers have not told."""
        attempts = list(run_by_id(caller(request), pk).attempts.all())
        packages = allocations_packages({each.allocation_id for each in attempts})
        return Answer([attempt_json(each, packages[each.allocation_id]) for each in attempts])


def _named(request: Request, runs: int = 1) -> list[str]:
    """The metrics of `?name=`, each once. Raises InvalidInput if so many curves do not fit into an answer."""
    names = list(dict.fromkeys(request.query_params.getlist("name")))
    if len(names) * runs > MAX_CURVES:
        raise InvalidInput(f"At most {MAX_CURVES} curves fit into an answer; ask for fewer.", field="name")
    return names


class RunMetricsView(APIView):
    """GET ?name=loss&width=500: curves of metrics, or without name the names."""

    @extend_schema(parameters=CURVES)
    def get(self, request: Request, pk: UUID) -> Answer[MetricNamesJson | list[CurveJson]]:
        """200; minima and maxima of each pixel are kept. 400 for too many curves."""
        run = run_by_id(caller(request), pk)
        names = _named(request)
        view = view_in(request.query_params, width=WIDTH, curves=max(len(names), 1))
        if not names:
            return Answer({"names": metric_names(run)})
        return Answer([series_json(item) for item in series([run], names, view)])


class SeriesView(APIView):
    """GET ?name=loss&run=1&run=2&width=500: curves of metrics of several runs in one call."""

    @extend_schema(
        parameters=[*CURVES, query("run", int, "The number of a run; as often as you like.", many=True)]
    )
    def get(self, request: Request, pk: UUID) -> Answer[list[CurveJson]]:
        """200; 400 for too many curves. Without `run` the newest runs that have one of the metrics."""
        experiment = experiment_by_id(caller(request), pk)
        numbers = numbers_in(request.query_params, "run")
        names = _named(request, runs=len(numbers) or 1)
        if not names:
            raise InvalidInput("Name at least one metric: ?name=loss.", field="name")
        newest = summaries_of(experiment, names, numbers)[:MAX_CURVES]
        runs = list({summary.run_id: summary.run for summary in newest}.values())[: MAX_CURVES // len(names)]
        view = view_in(request.query_params, width=WIDTH, curves=len(runs) * len(names))
        return Answer([series_json(item) for item in series(runs, names, view)])


class RunPointsView(APIView):
    """GET ?name=loss: all points of a run as a file, of all its metrics or those named."""

    media_types = POINT_FILES

    @POINTS
    def get(self, request: Request, pk: UUID, kind: str) -> StreamingHttpResponse:
        """200, streamed; 400 for a format that there is not."""
        found = run_by_id(caller(request), pk)
        return points_file([found], request.query_params, f"{found.experiment.slug}-{found.number}", kind)


class ExperimentPointsView(APIView):
    """GET ?name=loss: all points of an experiment's runs as one file."""

    media_types = POINT_FILES

    @POINTS
    def get(self, request: Request, pk: UUID, kind: str) -> StreamingHttpResponse:
        """200, streamed; 400 for a format that there is not."""
        found = experiment_by_id(caller(request), pk)
        return points_file(runs_of(found), request.query_params, found.slug, kind)
