"""The queue: what holds the machines, and what waits for them and why."""

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.permissions import is_staff, visible_projects
from accounts.web.access import SignedInRequest, signed_in
from experiments.selectors.queue import Queue
from experiments.selectors.queue import queue as queue_of
from mlplatform.http.pages import render_page
from runners.places import QUEUE

# As many as a socket listens to.
MAX_PLACES = 50


@require_safe
@signed_in
def queue(request: SignedInRequest) -> HttpResponse:
    """Of projects that I may not see, it says only how much they hold."""
    found = queue_of(request.user)
    mine = (
        set(visible_projects(request.user).values_list("pk", flat=True)) if is_staff(request.user) else None
    )
    context = {"queue": found, "live": _places(found, mine), "mine": mine}
    return render_page(request, "experiments/queue.html", context, fragment="queue")


def _places(found: Queue, mine: set[UUID] | None) -> str:
    """Staff see experiments here whose pages they may not open: those have no room for them."""
    experiments = [each.experiment for each in found.held] + [each.experiment for each in found.waiting]
    shown = dict.fromkeys(experiments)
    heard = [each.pk for each in shown if mine is None or each.project_id in mine]
    return " ".join(["/".join(map(str, QUEUE)), *(f"experiment/{pk}" for pk in heard[: MAX_PLACES - 1])])
