"""The portal as a whole, for those who run it."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from accounts.permissions import is_staff
from accounts.web.access import SignedInRequest, signed_in
from experiments.selectors.portal import portal
from mlplatform.http.pages import render_page
from runners.services.health import backends_health


@require_safe
@signed_in
def overview(request: SignedInRequest) -> HttpResponse:
    """Counts, queue, storage, health, versions. Nothing is here for anybody else."""
    if not is_staff(request.user):
        raise Http404
    context = {"portal": portal(), "healths": backends_health()}
    return render_page(request, "experiments/overview.html", context, fragment="portal")
