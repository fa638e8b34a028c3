"""What people do to an experiment and to several of its runs: each a POST from a button, and the form to change it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Experiment
from experiments.selectors.experiments import experiment_get
from experiments.services.control import (
    Outcome,
    experiment_cancel,
    experiment_pause,
    experiment_resume,
    runs_cancel,
    runs_retry,
)
from experiments.services.deletion import runs_delete
from experiments.services.revision import experiment_revise
from experiments.web import deletion
from experiments.web.compare import MAX_RUNS, MIN_RUNS, Choice
from experiments.web.looks import Look
from experiments.web.revision_form import RevisionForm
from experiments.web.tags import tag_sent
from experiments.web.words import counted
from mlplatform.http.forms import show_error
from mlplatform.http.query import numbers_in
from mlplatform.kernel.errors import Conflict, InvalidInput


@require_POST
@signed_in
def pause(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Nothing more starts; what runs goes back to the queue."""
    return _act(request, experiment_get(request.user, project, slug, "control"), _pause)


@require_POST
@signed_in
def resume(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Go on."""
    return _act(request, experiment_get(request.user, project, slug, "control"), _resume)


@require_POST
@signed_in
def cancel(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Cancel everything that has not finished."""
    return _act(request, experiment_get(request.user, project, slug, "control"), _cancel)


@require_POST
@signed_in
def retry(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Queue all failed runs again."""
    return _act(request, experiment_get(request.user, project, slug, "control"), _retry_failed)


@require_POST
@signed_in
def bulk(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Compare, pin, cancel, retry, tag or delete (`action`) the runs whose numbers are sent as `run`."""
    action = request.POST.get("action")
    found = experiment_get(request.user, project, slug, "view" if action in ("compare", "pin") else "control")
    numbers = numbers_in(request.POST, "run")
    if action == "compare":
        return _compare(request, found, numbers)
    if action == "pin" and numbers:
        return redirect(f"{found.get_absolute_url()}{Look.of(request.GET).pinning(numbers).href}")
    if action == "delete" and numbers:
        return deletion.runs(request, found, numbers)
    if not numbers or action not in ("cancel", "retry", "tag", deletion.CONFIRMED):
        messages.error(request, "Select at least one run, then choose what to do with it.")
        return _back(request, found)
    if action == "cancel":
        outcome = runs_cancel(user=request.user, experiment=found, numbers=numbers)
        _tell(request, outcome, "canceled; what trains stops at its next report", "over already")
    elif action == deletion.CONFIRMED:
        outcome = runs_delete(user=request.user, experiment=found, numbers=numbers)
        _tell(request, outcome, "deleted", "still open, or another run was forked from it")
    elif action == "tag":
        if tagged := tag_sent(request, found, numbers):
            _tell(request, tagged, "tagged", "there is no such run")
    else:
        outcome = runs_retry(user=request.user, experiment=found, numbers=numbers)
        _tell(request, outcome, "queued again", "neither failed nor canceled")
    return _back(request, found)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """What may be changed after launch."""
    found = experiment_get(request.user, project, slug, "control")
    form = RevisionForm(request.POST if request.method == "POST" else None, found)
    if form.is_bound and form.is_valid():
        try:
            experiment_revise(user=request.user, experiment=found, changes=form.changes())
        except InvalidInput as error:
            show_error(error, form)
        else:
            messages.success(request, "Saved." if form.changes() else "Nothing was changed.")
            return redirect(found)
    context = {"project": found.project, "experiment": found, "form": form}
    return render(request, "experiments/experiment_edit.html", context, status=400 if form.errors else 200)


def _compare(request: SignedInRequest, found: Experiment, numbers: list[int]) -> HttpResponse:
    """To the page that has them beside each other, in the order of their numbers."""
    rows = found.runs.filter(number__in=numbers).order_by("number").values_list("pk", flat=True)
    ids = list(rows[: MAX_RUNS + 1])
    if not MIN_RUNS <= len(ids) <= MAX_RUNS:
        messages.error(request, f"Select {MIN_RUNS} to {MAX_RUNS} runs to compare them.")
        return _back(request, found)
    return redirect(f"{reverse('compare', args=[found.project.slug])}{Choice(tuple(ids)).href()}")


def _act(
    request: SignedInRequest, found: Experiment, action: Callable[[User, Experiment], str]
) -> HttpResponse:
    try:
        messages.success(request, action(request.user, found))
    except Conflict as error:
        messages.error(request, error.message)
    return _back(request, found)


def _pause(user: User, experiment: Experiment) -> str:
    experiment_pause(user=user, experiment=experiment)
    return (
        f"{experiment.name} is paused. Runs that train stop at their next checkpoint and go on from it later."
    )


def _resume(user: User, experiment: Experiment) -> str:
    experiment_resume(user=user, experiment=experiment)
    return f"{experiment.name} goes on."


def _cancel(user: User, experiment: Experiment) -> str:
    experiment_cancel(user=user, experiment=experiment)
    return f"{experiment.name} is canceled. Runs that train stop at their next report."


def _retry_failed(user: User, experiment: Experiment) -> str:
    outcome = runs_retry(user=user, experiment=experiment)
    if not outcome.changed:
        raise Conflict("No run has failed, so there is nothing to retry.")
    return f"{counted(len(outcome.changed), 'run')} queued again."


def _tell(request: SignedInRequest, outcome: Outcome, done: str, why_not: str) -> None:
    """Say what was done, and which runs it was not done to."""
    left = ", ".join(f"#{number}" for number in outcome.skipped[:20])
    skipped = f" Not {left}: {why_not}." if left else ""
    if outcome.changed:
        messages.success(request, f"{counted(len(outcome.changed), 'run')} {done}.{skipped}")
    else:
        messages.error(request, f"Nothing was changed.{skipped}")


def _back(request: SignedInRequest, found: Experiment) -> HttpResponse:
    """To the page as somebody looked at it."""
    return redirect(f"{found.get_absolute_url()}{Look.of(request.GET).href}" if request.GET else found)
