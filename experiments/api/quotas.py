"""REST: quotas, what is used of them, and the ledger of what was held."""

import re
from typing import Any, TypedDict

from django.db.models import Q
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.models import Project, Quota, QuotaScope, Resource, User
from accounts.permissions import is_site_admin
from accounts.selectors.projects import project_get
from accounts.selectors.quotas import quota_list
from accounts.services.quotas import quota_clear, quota_set
from experiments.api.output.quotas import QuotaJson, UsageJson, quota_json, usage_json
from experiments.selectors.quotas import person_lines, project_lines
from experiments.selectors.storage import stored_in
from mlplatform.http.answers import Answer, Done
from mlplatform.http.downloads import download
from mlplatform.http.input import Input, checked
from mlplatform.http.listing import AFTER, LIMIT, listed
from mlplatform.http.rows import CONTENT_TYPES
from mlplatform.http.schema import query
from mlplatform.kernel.errors import Forbidden, InvalidInput, NotFound
from runners.ledger_file import ledger_file
from runners.selectors.usage import hours_by_month, slices

MONTHS = 12
LEDGER = extend_schema(
    parameters=[
        query("month", str, "Only this one, as 2026-12."),
        OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=list(CONTENT_TYPES)),
    ]
)
LEDGER_FILES = tuple(each.partition(";")[0] for each in CONTENT_TYPES.values())
FILTERS = ("scope", "project", "user", "backend", "resource")


class QuotaInput(Input):
    """A quota: whose, of what, how much."""

    scope = serializers.ChoiceField(choices=QuotaScope.values)
    resource = serializers.ChoiceField(choices=Resource.values)
    project = serializers.CharField(max_length=60, required=False, allow_null=True)
    user = serializers.CharField(max_length=150, required=False, allow_null=True)
    backend = serializers.CharField(max_length=60, required=False, allow_blank=True, allow_null=True)
    soft = serializers.FloatField(required=False, allow_null=True)
    hard = serializers.FloatField(required=False, allow_null=True)


class ValuesInput(Input):
    """What may be changed."""

    soft = serializers.FloatField(required=False, allow_null=True)
    hard = serializers.FloatField(required=False, allow_null=True)


class StoredJson(TypedDict):
    """Bytes by kind."""

    code: int
    checkpoints: int
    models: int
    logs: int


class MonthJson(TypedDict):
    """Hours of a month by person."""

    month: str
    people: list[dict[str, Any]]


class ProjectUsageJson(UsageJson):
    """What a project uses and has used."""

    storage_bytes: StoredJson
    months: list[MonthJson]


class QuotasView(APIView):
    """GET: all quotas; `?scope=`, `?project=`, `?user=`, `?backend=`, `?resource=` some. POST: set one. For admins."""

    @extend_schema(
        parameters=[*(query(name, str, "Only those of this one.") for name in FILTERS), AFTER, LIMIT]
    )
    def get(self, request: Request) -> Answer[list[QuotaJson]]:
        """200."""
        _admin(request)
        given = {name: value for name in FILTERS if (value := request.query_params.get(name))}
        return listed(request, quota_list(given), quota_json, order=("pk",))

    @extend_schema(request=QuotaInput)
    def post(self, request: Request) -> Answer[QuotaJson]:
        """200 with the quota, made or changed; setting it again changes nothing."""
        admin = _admin(request)
        given = checked(QuotaInput, request.data)
        project, user = given.pop("project", None), given.pop("user", None)
        quota = quota_set(
            actor=admin,
            project=_project(project) if project else None,
            user=_user(user) if user else None,
            backend=given.pop("backend", None) or "",
            **given,
        )
        return Answer(quota_json(quota))


class QuotaView(APIView):
    """GET, PATCH and DELETE one. For admins."""

    def get(self, request: Request, pk: int) -> Answer[QuotaJson]:
        """200."""
        _admin(request)
        return Answer(quota_json(_quota(pk)))

    @extend_schema(request=ValuesInput)
    def patch(self, request: Request, pk: int) -> Answer[QuotaJson]:
        """200; null takes a value away."""
        admin, quota = _admin(request), _quota(pk)
        values = {"soft": quota.soft, "hard": quota.hard} | checked(ValuesInput, request.data)
        place = {name: getattr(quota, name) for name in FILTERS}
        return Answer(quota_json(quota_set(actor=admin, **place, **values)))

    def delete(self, request: Request, pk: int) -> Done:
        """204; the default applies again, if there is one."""
        quota_clear(actor=_admin(request), quota=_quota(pk))
        return Done()


class MyUsageView(APIView):
    """GET: what I use in all projects, with my quotas."""

    def get(self, request: Request) -> Answer[UsageJson]:
        """200."""
        return Answer(usage_json(person_lines(caller(request), everything=True)))


class ProjectUsageView(APIView):
    """GET: what a project uses, with its quotas, and its hours of the last twelve months by person."""

    def get(self, request: Request, slug: str) -> Answer[ProjectUsageJson]:
        """200, or 404 for a stranger."""
        project = project_get(caller(request), slug)
        stored = stored_in(project)
        months: list[MonthJson] = [
            {"month": f"{month // 100}-{month % 100:02}", "people": people}
            for month, people in hours_by_month(project.pk, MONTHS).items()
        ]
        return Answer(
            {
                **usage_json(project_lines(project, everything=True)),
                "storage_bytes": {
                    "code": stored.code,
                    "checkpoints": stored.checkpoints,
                    "models": stored.models,
                    "logs": stored.logs,
                },
                "months": months,
            }
        )


class LedgerView(APIView):
    """GET: the ledger as csv or jsonl, `?month=2026-12` of one month. For admins."""

    media_types = LEDGER_FILES

    @LEDGER
    def get(self, request: Request, kind: str) -> StreamingHttpResponse:
        """200, streamed; 400 for a format or a month that there is not."""
        _admin(request)
        return _ledger(request, kind, Q(), "usage")


class ProjectLedgerView(APIView):
    """GET: the same of one project."""

    media_types = LEDGER_FILES

    @LEDGER
    def get(self, request: Request, slug: str, kind: str) -> StreamingHttpResponse:
        """200, or 404 for a stranger."""
        project = project_get(caller(request), slug)
        return _ledger(request, kind, Q(project_id=project.pk), f"usage-{project.slug}")


def _ledger(request: Request, kind: str, only: Q, name: str) -> StreamingHttpResponse:
    month = month_given(request.query_params.get("month", ""))
    parts = ledger_file(slices(only, month).iterator(), kind)
    return download(parts, filename=f"{name}.{kind}", content_type=CONTENT_TYPES[kind])


def month_given(text: str) -> int | None:
    """2026-12 as 202612; None for all. Raises InvalidInput."""
    if not text:
        return None
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text):
        raise InvalidInput(f"month is {text[:20]!r}; write it as 2026-12.", field="month")
    return int(text.replace("-", ""))


def _admin(request: Request) -> User:
    user = caller(request)
    if not is_site_admin(user):
        raise Forbidden("Only administrators see and set quotas; your own use is at /api/v1/me/usage/.")
    return user


def _quota(pk: int) -> Quota:
    quota = Quota.objects.select_related("project", "user").filter(pk=pk).first()
    if quota is None:
        raise NotFound("There is no such quota; it may have been cleared.")
    return quota


def _project(slug: str) -> Project:
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise InvalidInput(f"There is no project {slug[:60]!r}; give its slug.", field="project")
    return project


def _user(name: str) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise InvalidInput(f"There is nobody called {name[:60]!r}; give a user name.", field="user")
    return user
