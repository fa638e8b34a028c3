"""My projects, and the pages of one: experiments, usage."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.selectors.projects import project_get
from accounts.web.access import SignedInRequest, rights, signed_in
from experiments.catalog import examples
from experiments.selectors.deletions import deletions_of
from experiments.selectors.listings import experiment_page, project_cards
from experiments.selectors.usage import usage as usage_of
from experiments.states import ExperimentState
from experiments.web.lists import Wanted, beside
from mlplatform.http.pages import render_page

# The others are in the audit trail.
MAX_DELETIONS = 20
ORDERS = (("name", "By name"), ("recent", "Newest experiment first"), ("active", "Most active first"))


@require_safe
@signed_in
def projects(request: SignedInRequest) -> HttpResponse:
    """Cards of my projects; `?q=` finds some, `?sort=` orders them."""
    wanted = Wanted.of(request)
    page = project_cards(
        request.user, words=wanted.words, order=wanted.order, number=request.GET.get("page", "1")
    )
    context = {"page": page, "wanted": wanted, "orders": ORDERS, **beside(wanted, page)}
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
    """What the project has used, by person and by experiment, and what was deleted."""
    found = project_get(request.user, slug)
    deletions = list(deletions_of(found)[:MAX_DELETIONS])
    context = {
        "project": found,
        "usage": usage_of(found),
        "deletions": deletions,
        **rights(request.user, found),
    }
    return render_page(request, "experiments/project_usage.html", context)
