"""The page that people come to, and the first steps of those who are new."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Project
from accounts.permissions import may, roles_in
from accounts.selectors.projects import project_list
from accounts.services.projects import NAME_LIMIT, project_create, project_of_ones_own
from accounts.web.access import SignedInRequest, signed_in
from accounts.web.once import once
from experiments.catalog import examples
from experiments.selectors.dashboard import Dashboard, Failure, dashboard
from experiments.selectors.quotas import dashboard_lines
from experiments.services.bundles import bundle_from_example
from experiments.web.advice import Advice, advice_for
from mlplatform.http.pages import render_page
from runners.selectors.allocations import places_in_line
from runners.selectors.capacity import allocations_holding, capacities

MAX_PROJECTS = 50
# As many as a socket watches.
MAX_PLACES = 50


@dataclass(frozen=True)
class FailureShown:
    """A failure, and what can be done about it."""

    failure: Failure
    advice: Advice


@require_safe
@signed_in
def home(request: SignedInRequest) -> HttpResponse:
    """What goes on in my projects; for those who have none, how to begin."""
    found = dashboard(request.user)
    projects = list(project_list(request.user)[:MAX_PROJECTS])
    context = {
        "found": found,
        "failures": [FailureShown(each, advice_for(each.cause_code)) for each in found.failures],
        "quotas": dashboard_lines(request.user, projects),
        "capacities": capacities(allocations_holding()),
        "places": places_in_line(),
        "example": examples()[0],
        "has_projects": bool(projects),
        "launch_in": _launch_in(request, projects) if found.is_empty else None,
        "live": _places(found, projects),
    }
    return render_page(request, "experiments/dashboard.html", context, fragment="dashboard")


@require_POST
@signed_in
@once
def start(request: SignedInRequest) -> HttpResponse:
    """A project of one's own with the first example in it, ready to launch."""
    owner = request.user.get_full_name() or request.user.username
    # Their own may be archived.
    project = project_of_ones_own(user=request.user) or project_create(
        user=request.user, name=f"{owner}’s project"[:NAME_LIMIT]
    )
    bundle = bundle_from_example(user=request.user, project=project, name=examples()[0].name)
    return redirect("experiment_configure", project.slug, bundle.pk)


def _launch_in(request: SignedInRequest, projects: list[Project]) -> Project | None:
    """The first project in which the person may start something."""
    roles = roles_in([(request.user, each.pk) for each in projects])
    shown = zip(projects, roles, strict=True)
    return next((each for each, role in shown if role and may(role, "launch", each)), None)


def _places(found: Dashboard, projects: list[Project]) -> str:
    """What the page listens to: experiments that are open for how far they are, projects for new ones."""
    experiments = [each.experiment for each in found.open]
    shown = dict.fromkeys([*(each.project_id for each in experiments), *(each.pk for each in projects)])
    places = [*(f"experiment/{each.pk}" for each in experiments), *(f"project/{pk}" for pk in shown)]
    return " ".join(places[:MAX_PLACES])
