"""REST: an experiment's runs as a whole."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from experiments.selectors.analysis import ColumnsJson, run_columns
from experiments.selectors.experiments import experiment_by_id
from experiments.selectors.timeline import TimelineJson, timeline
from experiments.services.importance import ImportanceJson, parameter_importance
from mlplatform.http.answers import Answer


class ColumnsView(APIView):
    """GET: one list per column of the newest runs."""

    def get(self, request: Request, pk: UUID) -> Answer[ColumnsJson]:
        """200, or 404 for a stranger."""
        return Answer(run_columns(experiment_by_id(caller(request), pk)).to_json())


class ImportanceView(APIView):
    """GET: how much each parameter matters for the objective."""

    def get(self, request: Request, pk: UUID) -> Answer[ImportanceJson]:
        """200; 503 if that takes too long now."""
        return Answer(parameter_importance(experiment_by_id(caller(request), pk)).to_json())


class TimelineView(APIView):
    """GET: when the newest runs waited, started and trained."""

    def get(self, request: Request, pk: UUID) -> Answer[TimelineJson]:
        """200, or 404 for a stranger."""
        return Answer(timeline(experiment_by_id(caller(request), pk)).to_json())
