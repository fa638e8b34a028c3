"""Home and the page of a project."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.permissions import allowed
from accounts.selectors.projects import project_get
from accounts.web.access import SignedInRequest, signed_in
from experiments.catalog import examples
from experiments.selectors.overview import experiment_lines, model_versions, project_cards
from mlplatform.http.pages import render_page

MAX_EXPERIMENTS = 200
MAX_MODELS = 8


@require_safe
@signed_in
def home(request: SignedInRequest) -> HttpResponse:
    """My projects."""
    return render_page(request, "experiments/home.html", {"projects": project_cards(request.user)})


@require_safe
@signed_in
def project(request: SignedInRequest, slug: str) -> HttpResponse:
    """Experiments, models and members of a project."""
    found = project_get(request.user, slug)
    context = {
        "project": found,
        "experiments": experiment_lines(found, MAX_EXPERIMENTS),
        "models": model_versions(found)[:MAX_MODELS],
        "memberships": found.memberships.select_related("user").order_by("user__username"),
        "example": examples()[0],
        "may_launch": allowed(request.user, "launch", found),
    }
    return render_page(request, "experiments/project.html", context, fragment="project")
