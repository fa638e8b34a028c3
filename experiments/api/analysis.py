"""REST: an experiment's runs as a whole."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import caller
from experiments.selectors.analysis import run_columns
from experiments.selectors.experiments import experiment_by_id
from experiments.selectors.timeline import timeline
from experiments.services.importance import parameter_importance


class ColumnsView(APIView):
    """GET: one list per column of the newest runs."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200, or 404 for a stranger."""
        return Response(run_columns(experiment_by_id(caller(request), pk)).to_json())


class ImportanceView(APIView):
    """GET: how much each parameter matters for the objective."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200; 503 if that takes too long now."""
        return Response(parameter_importance(experiment_by_id(caller(request), pk)).to_json())


class TimelineView(APIView):
    """GET: when the newest runs waited, started and trained."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200, or 404 for a stranger."""
        return Response(timeline(experiment_by_id(caller(request), pk)).to_json())
