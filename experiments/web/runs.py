"""The page of a run, cancel and retry."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.web.access import SignedInRequest, rights, signed_in
from experiments.models import ModelVersion, Run
from experiments.selectors.overview import neighbours
from experiments.selectors.points import points_dropped
from experiments.selectors.runs import run_details, run_get
from experiments.selectors.tracking import tracking_state
from experiments.selectors.waits import run_wait
from experiments.services.control import run_cancel, run_retry
from experiments.states import RunState
from experiments.web.advice import PRUNED, advice_for
from experiments.web.checkpoints import checkpoints_shown
from experiments.web.forking import can_continue
from experiments.web.logs import log_card
from experiments.web.provenance import provenance
from mlplatform.http.pages import render_page, wants_fragment
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict, NotFound
from runners.selectors.allocations import allocation_packages

# The others are on the page of events.
MAX_EVENTS = 10


@require_safe
@signed_in
def run(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """Everything about one run."""
    found = run_get(request.user, project, slug, number)
    previous, following = neighbours(found)
    checkpoints = checkpoints_shown(found)
    events = list(found.events.select_related("actor").order_by("-id")[:MAX_EVENTS])
    context = {
        "project": found.experiment.project,
        "experiment": found.experiment,
        "run": found,
        "row": run_details(found),
        "attempts": [(attempt, provenance(found, attempt)) for attempt in found.attempts.order_by("-number")],
        "events": events,
        "advice": PRUNED if found.state == RunState.PRUNED else advice_for(found.cause_code),
        "why": found.cause_message or next((e.message for e in events if e.kind == "stop_requested"), ""),
        "waits_until": found.not_before if _waits(found) else None,
        "wait": run_wait(request.user, found),
        "checkpoints": checkpoints,
        "forks": found.forks.order_by("number"),
        "may_continue": bool(checkpoints.rows) and can_continue(found),
        "model": ModelVersion.objects.filter(run=found).select_related("project").first(),
        "tracking": tracking_state(found),
        "previous": previous,
        "following": following,
        **rights(request.user, found.experiment.project),
    }
    # The part that is fetched at every report has neither charts nor the log.
    if not wants_fragment(request):
        context |= _charts(found) | {"log": log_card(found, request.GET)}
    return render_page(request, "experiments/run.html", context, fragment="run-live")


@require_safe
@signed_in
def packages(request: SignedInRequest, project: str, slug: str, number: int, attempt: int) -> HttpResponse:
    """What was installed where an attempt ran, as `pip freeze` writes it."""
    found = run_get(request.user, project, slug, number).attempts.filter(number=attempt).first()
    if found is None:
        raise NotFound(f"Run {number} has no attempt {attempt}.")
    lines = allocation_packages(found.allocation_id) or ["# The workers did not tell what is installed."]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")


@require_POST
@signed_in
def cancel(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """Cancel it."""
    return _control(request, run_get(request.user, project, slug, number, "control"), _cancel)


@require_POST
@signed_in
def retry(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """Queue it again."""
    return _control(request, run_get(request.user, project, slug, number, "control"), _retry)


def _charts(found: Run) -> dict[str, Any]:
    place = [found.experiment.project.slug, found.experiment.slug]
    return {
        "points_dropped": points_dropped(found),
        "points_view": "api_run_points",
        "points_pk": found.pk,
        "series_url": f"{reverse('series', args=place)}?run={found.number}",
    }


def _waits(found: Run) -> bool:
    return found.state == RunState.QUEUED and found.not_before is not None and found.not_before > clock.now()


def _cancel(user: User, run: Run) -> str:
    return "is canceled" if run_cancel(user=user, run=run).is_terminal else "stops at its next report"


def _retry(user: User, run: Run) -> str:
    run_retry(user=user, run=run)
    return "is queued again"


def _control(request: SignedInRequest, found: Run, action: Callable[[User, Run], str]) -> HttpResponse:
    try:
        messages.success(request, f"Run #{found.number} {action(request.user, found)}.")
    except Conflict as error:
        messages.error(request, error.message)
    return redirect(found)
