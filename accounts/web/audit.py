"""Pages of the audit trail: of the portal for its administrators, of a project for its owners."""

import json
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import AuditEvent, Project
from accounts.permissions import require_site_admin
from accounts.selectors.audit import SEE_ALL, AuditLook, audit_page, events, look_from
from accounts.selectors.projects import project_get
from accounts.web.access import SignedInRequest, rights, signed_in
from mlplatform.http.rows import CONTENT_TYPES
from mlplatform.kernel.errors import InvalidInput

FILTERS = ("person", "verb", "q", "from", "to")
# What only programs read: files of the trail have it.
FOR_PROGRAMS = {"key"}


@require_safe
@signed_in
def portal_audit(request: SignedInRequest) -> HttpResponse:
    """What was done anywhere, also in projects that are gone, and who signed in."""
    require_site_admin(request.user, SEE_ALL)
    return _page(request, None)


@require_safe
@signed_in
def project_audit(request: SignedInRequest, slug: str) -> HttpResponse:
    """What was done in the project."""
    return _page(request, project_get(request.user, slug, "manage"))


def _page(request: SignedInRequest, project: Project | None) -> HttpResponse:
    wrong = None
    try:
        look = look_from(request.GET)
        page = audit_page(events(look, project), request.GET)
    except InvalidInput as error:
        wrong, look = error, AuditLook()
        page = audit_page(events(look, project), {})
    given = {name: text[:200] for name in FILTERS if (text := request.GET.get(name, "").strip())}
    context = {
        "project": project,
        "lines": [(row, details(row)) for row in page.rows],
        "given": given,
        "days": [(name, name.title(), given.get(name, "")) for name in ("from", "to")],
        "is_filtered": bool(given),
        "wrong": wrong,
        "here": request.path,
        "newer": _href(given, after=page.newer),
        "older": _href(given, before=page.older),
        "files": [(kind, _file(project, kind, given)) for kind in CONTENT_TYPES],
        **(rights(request.user, project) if project else {}),
    }
    return render(request, "accounts/audit.html", context, status=400 if wrong else 200)


def details(row: AuditEvent) -> list[tuple[str, str]]:
    """What else a row tells, in words."""
    return [
        (name.replace("_", " "), _words(value))
        for name, value in sorted(row.detail.items(), key=lambda item: item[0] == "after")
        if name not in FOR_PROGRAMS and value not in (None, "", [], {})
    ]


def _words(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict) and not any(isinstance(each, dict | list) for each in value.values()):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _href(given: dict[str, str], **place: int | None) -> str:
    """The address of another page; empty if there is none."""
    return "?" + urlencode({**given, **place}) if all(place.values()) else ""


def _file(project: Project | None, kind: str, given: dict[str, str]) -> str:
    there = (
        reverse("api_project_audit_file", args=[project.slug, kind])
        if project
        else reverse("api_audit_file", args=[kind])
    )
    return f"{there}?{urlencode(given)}" if given else there
