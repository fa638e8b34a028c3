"""REST: archiving and deleting projects."""

from datetime import datetime
from typing import TypedDict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.views import ProjectJson, project_json
from accounts.models import ProjectDeletion
from accounts.permissions import require_whole
from accounts.selectors.deletions import deletion_get
from accounts.selectors.projects import project_get
from accounts.services.closing import DELETE, project_delete, project_unarchive
from experiments.selectors.contents import project_contents
from experiments.services.closing import project_close
from mlplatform.http.answers import Accepted, Answer
from mlplatform.http.input import Input, checked


class ContentsJson(TypedDict):
    """What a project holds: counts and bytes; `stored` is null while the storage is away."""

    experiments: int
    open: list[str]
    runs: int
    models: int
    bundles: int
    members: int
    database: int
    stored: int | None
    is_more: bool
    total: int


class ProjectDeletionJson(TypedDict):
    """A project that goes or is gone."""

    id: int
    slug: str
    name: str
    requested_at: datetime
    finished_at: datetime | None
    freed_bytes: int
    waits_for: str


def deletion_json(deletion: ProjectDeletion) -> ProjectDeletionJson:
    """What the API tells about a deletion."""
    return {
        "id": deletion.pk,
        "slug": deletion.slug,
        "name": deletion.name,
        "requested_at": deletion.requested_at,
        "finished_at": deletion.finished_at,
        "freed_bytes": deletion.freed_bytes,
        "waits_for": deletion.waits_for,
    }


class ArchiveView(APIView):
    """POST: keep the project readable, and nothing else."""

    def post(self, request: Request, slug: str) -> Answer[ProjectJson]:
        """200; 409 while experiments are not over."""
        project = project_get(caller(request), slug, "manage")
        return Answer(project_json(project_close(user=caller(request), project=project)))


class UnarchiveView(APIView):
    """POST: open it again."""

    def post(self, request: Request, slug: str) -> Answer[ProjectJson]:
        """200; 409 if it is open."""
        project = project_get(caller(request), slug, "manage")
        return Answer(project_json(project_unarchive(user=caller(request), project=project)))


class DeleteView(APIView):
    """GET: what goes with the project. POST confirmation (its slug): delete it."""

    class Confirmation(Input):
        """So that nobody deletes the wrong one."""

        confirmation = serializers.CharField(max_length=100)

    def get(self, request: Request, slug: str) -> Answer[ContentsJson]:
        """200: counts, and about how many bytes."""
        project = project_get(caller(request), slug, "manage")
        contents = project_contents(project)
        return Answer(
            {
                "experiments": contents.experiments,
                "open": contents.open,
                "runs": contents.runs,
                "models": contents.models,
                "bundles": contents.bundles,
                "members": contents.members,
                "database": contents.database,
                "stored": contents.stored,
                "is_more": contents.is_more,
                "total": contents.total,
            }
        )

    @extend_schema(request=Confirmation)
    def post(self, request: Request, slug: str) -> Accepted[ProjectDeletionJson]:
        """202 with the deletion: nobody sees the project any more, and the rest goes in the background."""
        project = project_get(caller(request), slug, "manage")
        require_whole(caller(request), DELETE)
        given = checked(self.Confirmation, request.data)
        deletion = project_delete(user=caller(request), project=project, **given)
        return Accepted(deletion_json(deletion))


class DeletionView(APIView):
    """GET: how far a deletion is."""

    def get(self, request: Request, pk: int) -> Answer[ProjectDeletionJson]:
        """200 for whoever asked for it."""
        return Answer(deletion_json(deletion_get(caller(request), pk)))
