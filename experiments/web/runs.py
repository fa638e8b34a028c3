"""The page of a run, its log, cancel and retry."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.permissions import allowed
from accounts.web.access import SignedInRequest, signed_in
from experiments.models import ModelVersion, Run
from experiments.selectors.logs import log_full, log_tail
from experiments.selectors.overview import neighbours
from experiments.selectors.runs import run_get, run_row
from experiments.services.control import run_cancel, run_retry
from experiments.web.advice import advice_for
from mlplatform.http.pages import render_page
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict

MAX_EVENTS = 100


@require_safe
@signed_in
def run(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """Everything about one run."""
    found = run_get(request.user, project, slug, number)
    metrics = {metric.name: metric for metric in found.metrics.all()}
    previous, following = neighbours(found)
    place = [found.experiment.project.slug, found.experiment.slug]
    context = {
        "project": found.experiment.project,
        "experiment": found.experiment,
        "run": found,
        "row": run_row(found, metrics, clock.now()),
        "attempts": found.attempts.order_by("-number"),
        "events": found.events.select_related("actor").order_by("-id")[:MAX_EVENTS],
        "advice": advice_for(found.cause_code),
        "model": ModelVersion.objects.filter(run=found).select_related("project").first(),
        "previous": previous,
        "following": following,
        "log": log_tail(found),
        "log_url": reverse("run_log", args=[*place, number]),
        "series_url": f"{reverse('series', args=place)}?run={number}",
        "may_launch": allowed(request.user, "launch", found.experiment.project),
        "may_control": allowed(request.user, "control", found.experiment.project),
    }
    return render_page(request, "experiments/run.html", context, fragment="run-live")


@require_safe
@signed_in
def log(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """What the latest attempt printed: all of it, or with `?tail=1` the end that the page shows."""
    found = run_get(request.user, project, slug, number)
    tail = log_tail(found) if request.GET.get("tail") else None
    response = HttpResponse(tail.text if tail else log_full(found), content_type="text/plain; charset=utf-8")
    response["X-Log-Truncated"] = "1" if tail and tail.truncated else "0"
    response["Cache-Control"] = "no-store"
    if request.GET.get("download"):
        response["Content-Disposition"] = f'attachment; filename="{slug}-{number}.log"'
    return response


@require_POST
@signed_in
def cancel(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """Cancel it."""
    return _control(request, run_get(request.user, project, slug, number, "control"), _cancel, "is canceled")


@require_POST
@signed_in
def retry(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """Queue it again."""
    return _control(
        request, run_get(request.user, project, slug, number, "control"), _retry, "is queued again"
    )


def _cancel(user: User, run: Run) -> Run:
    return run_cancel(user=user, run=run)


def _retry(user: User, run: Run) -> Run:
    return run_retry(user=user, run=run)


def _control(
    request: SignedInRequest, found: Run, action: Callable[[User, Run], Run], words: str
) -> HttpResponse:
    try:
        action(request.user, found)
        messages.success(request, f"Run #{found.number} {words}.")
    except Conflict as error:
        messages.error(request, error.message)
    return redirect(found)
