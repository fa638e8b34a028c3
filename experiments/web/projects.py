"""My projects, and the pages of one: experiments, usage."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.selectors.projects import archived_count, project_get
from accounts.web.access import SignedInRequest, rights, signed_in
from experiments.catalog import examples
from experiments.selectors.deletions import deletions_of
from experiments.selectors.listings import experiment_page, project_cards
from experiments.selectors.quotas import project_lines, warnings
from experiments.selectors.usage import usage as usage_of
from experiments.states import ExperimentState
from experiments.web.lists import Wanted, beside
from mlplatform.http.pages import render_page
from runners.selectors.usage import hours_by_month, month_span

ARCHIVED = "archived"
MONTHS = 12
# The others are in the audit trail.
MAX_DELETIONS = 20
ORDERS = (("name", "By name"), ("recent", "Newest experiment first"), ("active", "Most active first"))


@dataclass(frozen=True)
class Month:
    """Hours that jobs of a project held in a month; `people` are rows of `user_name`, `cpu_hours`, `gpu_hours`."""

    begin: datetime
    cpu_hours: float
    gpu_hours: float
    people: list[dict[str, Any]]

    @classmethod
    def of(cls, month: int, people: list[dict[str, Any]]) -> "Month":
        """With its sums."""
        begin, _ = month_span(month)
        cpu, gpu = (sum(row[name] for row in people) for name in ("cpu_hours", "gpu_hours"))
        return cls(begin, cpu, gpu, people)


@require_safe
@signed_in
def projects(request: SignedInRequest) -> HttpResponse:
    """Cards of my projects; `?q=` finds some, `?sort=` orders them, `?state=archived` has those that are."""
    wanted = Wanted.of(request)
    archived = request.GET.get("state") == ARCHIVED
    if archived:
        wanted = replace(wanted, state=ARCHIVED)
    page = project_cards(
        request.user,
        words=wanted.words,
        order=wanted.order,
        number=request.GET.get("page", "1"),
        archived=archived,
    )
    context = {
        "page": page,
        "wanted": wanted,
        "orders": ORDERS,
        "archived": archived,
        "archived_count": archived_count(request.user),
        **beside(wanted, page),
    }
    return render_page(request, "experiments/projects.html", context)


@require_safe
@signed_in
def project(request: SignedInRequest, slug: str) -> HttpResponse:
    """Experiments of a project; `?q=`, `?state=`, `?sort=` and `?page=` say which."""
    found = project_get(request.user, slug)
    wanted = Wanted.of(request)
    listed = experiment_page(
        found,
        state=wanted.state,
        words=wanted.words,
        order=wanted.order,
        number=request.GET.get("page", "1"),
    )
    context = {
        "project": found,
        "listed": listed,
        "wanted": wanted,
        "states": ExperimentState.choices,
        "by_name": wanted.href(sort="-name" if wanted.order == "name" else "name"),
        "by_age": wanted.href(sort="created" if wanted.order in {"", "-created"} else "-created"),
        "example": examples()[0],
        **rights(request.user, found),
        **beside(wanted, listed.page),
    }
    return render_page(request, "experiments/project.html", context, fragment="project")


@require_safe
@signed_in
def usage(request: SignedInRequest, slug: str) -> HttpResponse:
    """What the project has used, by person, month and experiment, what of its quotas, and what was deleted."""
    found = project_get(request.user, slug)
    quotas = project_lines(found)
    deletions = list(deletions_of(found)[:MAX_DELETIONS])
    context = {
        "project": found,
        "usage": usage_of(found),
        "deletions": deletions,
        "quotas": [line for line in quotas if line.used is not None],
        "sizes": [line for line in quotas if line.used is None and line.hard is not None],
        "warnings": warnings(quotas),
        "months": [Month.of(month, people) for month, people in hours_by_month(found.pk, MONTHS).items()],
        **rights(request.user, found),
    }
    return render_page(request, "experiments/project_usage.html", context)
