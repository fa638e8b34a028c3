"""REST: archiving and deleting projects."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.views import project_json
from accounts.models import ProjectDeletion
from accounts.selectors.deletions import deletion_get
from accounts.selectors.projects import project_get
from accounts.services.closing import project_delete, project_unarchive
from experiments.selectors.contents import project_contents
from experiments.services.closing import project_close
from mlplatform.http.input import Input, checked


def deletion_json(deletion: ProjectDeletion) -> dict[str, Any]:
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

    def post(self, request: Request, slug: str) -> Response:
        """200; 409 while experiments are not over."""
        project = project_get(caller(request), slug, "manage")
        return Response(project_json(project_close(user=caller(request), project=project)))


class UnarchiveView(APIView):
    """POST: open it again."""

    def post(self, request: Request, slug: str) -> Response:
        """200; 409 if it is open."""
        project = project_get(caller(request), slug, "manage")
        return Response(project_json(project_unarchive(user=caller(request), project=project)))


class DeleteView(APIView):
    """GET: what goes with the project. POST confirmation (its slug): delete it."""

    class Confirmation(Input):
        """So that nobody deletes the wrong one."""

        confirmation = serializers.CharField(max_length=100)

    def get(self, request: Request, slug: str) -> Response:
        """200: counts, and about how many bytes."""
        project = project_get(caller(request), slug, "manage")
        contents = project_contents(project)
        return Response({**asdict(contents), "total": contents.total})

    def post(self, request: Request, slug: str) -> Response:
        """202 with the deletion: nobody sees the project any more, and the rest goes in the background."""
        project = project_get(caller(request), slug, "manage")
        given = checked(self.Confirmation, request.data)
        deletion = project_delete(user=caller(request), project=project, **given)
        return Response(deletion_json(deletion), status=202)


class DeletionView(APIView):
    """GET: how far a deletion is."""

    def get(self, request: Request, pk: int) -> Response:
        """200 for whoever asked for it."""
        return Response(deletion_json(deletion_get(caller(request), pk)))
