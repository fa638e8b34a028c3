"""Keeping and forgetting views from the menu above the runs."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.web.access import SignedInRequest, signed_in
from accounts.web.once import once
from experiments.models import Experiment
from experiments.selectors.experiments import experiment_get
from experiments.selectors.views import view_get
from experiments.services.views import view_create, view_delete
from experiments.web.looks import Look
from mlplatform.kernel.errors import Conflict, InvalidInput


@require_POST
@signed_in
@once
def create(request: SignedInRequest, project: str) -> HttpResponse:
    """Keep what the address says under the `name` that was sent."""
    experiment = _experiment(request, project)
    look = Look.of(request.GET)
    content = {
        **look.kept,
        "pinned_of": experiment.pk if look.pinned else None,
        "is_default": "is_default" in request.POST,
    }
    try:
        view = view_create(
            user=request.user,
            project=experiment.project,
            name=request.POST.get("name", ""),
            is_shared="is_shared" in request.POST,
            content=content,
        )
    except (Conflict, InvalidInput) as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Saved the view {view.name}.")
    return _back(experiment, look)


@require_POST
@signed_in
def delete(request: SignedInRequest, project: str, pk: UUID) -> HttpResponse:
    """Forget a view."""
    experiment = _experiment(request, project)
    view = view_get(request.user, pk)
    view_delete(user=request.user, view=view)
    messages.success(request, f"Deleted the view {view.name}.")
    return _back(experiment, Look.of(request.GET))


def _experiment(request: SignedInRequest, project: str) -> Experiment:
    """Whose page the menu is on."""
    return experiment_get(request.user, project, request.POST.get("experiment", ""))


def _back(experiment: Experiment, look: Look) -> HttpResponse:
    return redirect(f"{experiment.get_absolute_url()}{look.href}")
