"""REST: what was deleted of a project."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.selectors.projects import project_get
from experiments.api.output import deletion_json
from experiments.selectors.deletions import deletions_of

MOST = 100


class DeletionsView(APIView):
    """GET: the newest deletions, each with the bytes that it freed."""

    def get(self, request: Request, slug: str) -> Response:
        """200, newest first."""
        return Response(
            [deletion_json(row) for row in deletions_of(project_get(caller(request), slug))[:MOST]]
        )
