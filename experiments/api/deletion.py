"""REST: what was deleted of a project."""

from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.selectors.projects import project_get
from experiments.api.output.deletions import DeletionJson, deletion_json
from experiments.selectors.deletions import deletions_of
from mlplatform.http.answers import Answer
from mlplatform.http.listing import PAGED, listed


class DeletionsView(APIView):
    """GET: the deletions, each with the bytes that it freed."""

    @PAGED
    def get(self, request: Request, slug: str) -> Answer[list[DeletionJson]]:
        """200, newest first."""
        deletions = deletions_of(project_get(caller(request), slug))
        return listed(request, deletions, deletion_json, order=("-created_at", "-id"))
