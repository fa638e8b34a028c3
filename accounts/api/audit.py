"""REST: the audit trail, of the portal and of a project."""

from datetime import datetime
from typing import Any, TypedDict

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.models import AuditEvent, Project
from accounts.permissions import require_site_admin
from accounts.selectors.audit import COLUMNS, SEE_ALL, audit_values, events, look_from
from accounts.selectors.projects import project_get
from mlplatform.http.answers import Answer
from mlplatform.http.downloads import download
from mlplatform.http.listing import AFTER, LIMIT, listed
from mlplatform.http.rows import CONTENT_TYPES, rows_file
from mlplatform.http.schema import query

LOOK = [
    query("person", str, "Of this user name; `system` for what nobody did by name."),
    query("verb", str, "That begin so: `member`, `quota.set`."),
    query("q", str, "Words in what it was done to."),
    query("from", str, "From this day on (UTC), as 2026-12-01."),
    query("to", str, "Up to this day and with it."),
]
KIND = OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=list(CONTENT_TYPES))
LIST = extend_schema(parameters=[*LOOK, AFTER, LIMIT])
FILE = extend_schema(parameters=[*LOOK, KIND])
FILES = tuple(each.partition(";")[0] for each in CONTENT_TYPES.values())


class AuditEventJson(TypedDict):
    """Who did what, to what, from where; and its place in the chain."""

    id: int
    at: datetime
    actor: str | None
    project: str | None
    verb: str
    target: str
    address: str | None
    detail: dict[str, Any]
    position: int | None
    digest: str


def audit_json(event: AuditEvent) -> AuditEventJson:
    """What the API tells about a row."""
    return {
        "id": event.pk,
        "at": event.at,
        "actor": event.actor_name or None,
        "project": event.project_slug or None,
        "verb": event.verb,
        "target": event.target,
        "address": event.address or None,
        "detail": event.detail,
        "position": event.position,
        "digest": event.digest,
    }


class AuditView(APIView):
    """GET: the audit trail, newest first. For site administrators."""

    @LIST
    def get(self, request: Request) -> Answer[list[AuditEventJson]]:
        """200; 400 for a filter that there is not."""
        require_site_admin(caller(request), SEE_ALL)
        return listed(request, events(look_from(request.query_params)), audit_json, order=("-id",))


class AuditFileView(APIView):
    """GET: the same as csv or jsonl."""

    media_types = FILES

    @FILE
    def get(self, request: Request, kind: str) -> StreamingHttpResponse:
        """200, streamed; 400 for a format that there is not."""
        require_site_admin(caller(request), SEE_ALL)
        return _file(request, kind, None)


class ProjectAuditView(APIView):
    """GET: what was done in a project, newest first. For its owners."""

    @LIST
    def get(self, request: Request, slug: str) -> Answer[list[AuditEventJson]]:
        """200; 403 for members who are no owners."""
        project = project_get(caller(request), slug, "manage")
        rows = events(look_from(request.query_params), project)
        return listed(request, rows, audit_json, order=("-id",))


class ProjectAuditFileView(APIView):
    """GET: the same as csv or jsonl."""

    media_types = FILES

    @FILE
    def get(self, request: Request, slug: str, kind: str) -> StreamingHttpResponse:
        """200, streamed."""
        return _file(request, kind, project_get(caller(request), slug, "manage"))


def _file(request: Request, kind: str, project: Project | None) -> StreamingHttpResponse:
    parts = rows_file(COLUMNS, audit_values(events(look_from(request.query_params), project)), kind)
    name = f"audit-{project.slug}" if project else "audit"
    return download(parts, filename=f"{name}.{kind}", content_type=CONTENT_TYPES[kind])
