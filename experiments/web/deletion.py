"""Deleting runs and experiments: a page says what goes, its button does it."""

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Checkpoint, Experiment, ModelVersion, Run
from experiments.selectors.experiments import experiment_get
from experiments.selectors.runs import run_get
from experiments.services.deletion import (
    experiment_delete,
    experiments_must_be_over,
    run_delete,
)
from experiments.states import RUN_OPEN
from experiments.web.looks import Look
from experiments.web.words import counted
from mlplatform.kernel.errors import Conflict

# What the page's button sends to the view of several runs.
CONFIRMED = "delete-confirmed"


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def experiment(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """An experiment with everything that belongs to it."""
    found = experiment_get(request.user, project, slug, "control")
    try:
        if request.method == "POST":
            experiment_delete(user=request.user, experiment=found)
            messages.success(request, f"Deleted {found.name}. Usage says how much storage becomes free.")
            return redirect(found.project)
        experiments_must_be_over(Experiment.objects.filter(pk=found.pk))
    except Conflict as error:
        messages.error(request, error.message)
        return redirect(found)
    return _ask(
        request,
        found,
        title=f"Delete {found.name}?",
        goes=_goes(Run.objects.filter(experiment=found).values("pk")),
        stays="Its code stays in the project.",
        back=found.get_absolute_url(),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def run(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """A run."""
    found = run_get(request.user, project, slug, number, "control")
    if request.method == "POST":
        try:
            run_delete(user=request.user, run=found)
        except Conflict as error:
            messages.error(request, error.message)
            return redirect(found)
        messages.success(request, f"Deleted run #{number}.")
        return redirect(found.experiment)
    return _ask(
        request,
        found.experiment,
        title=f"Delete run #{number}?",
        goes=_goes(Run.objects.filter(pk=found.pk).values("pk")),
        run=found,
        back=found.get_absolute_url(),
    )


def runs(request: SignedInRequest, found: Experiment, numbers: Collection[int]) -> HttpResponse:
    """Ask whether these are to be deleted."""
    rows = found.runs.filter(number__in=numbers)
    opened = rows.filter(state__in=RUN_OPEN).count()
    there = list(rows.exclude(state__in=RUN_OPEN).order_by("number").values_list("number", flat=True))
    look = Look.of(request.GET).href if request.GET else ""
    if not there:
        messages.error(request, "Only runs that are over can be deleted; cancel them first.")
        return redirect(f"{found.get_absolute_url()}{look}")
    return _ask(
        request,
        found,
        title=f"Delete {counted(len(there), 'run')}?",
        goes=_goes(found.runs.filter(number__in=there).values("pk")),
        stays=f"{counted(opened, 'run')} of your selection still open: not deleted." if opened else "",
        numbers=there,
        action=f"{reverse('runs_bulk', args=[found.project.slug, found.slug])}{look}",
        confirmed=CONFIRMED,
        back=f"{found.get_absolute_url()}{look}",
    )


def _goes(ids: Any) -> list[str]:
    """What is deleted with the runs, in words. Three queries."""
    counts = (
        (Run.objects.filter(pk__in=ids).count(), "run"),
        (Checkpoint.objects.filter(run__in=ids).count(), "checkpoint"),
        (ModelVersion.objects.filter(run__in=ids).count(), "model version"),
    )
    return [counted(count, noun) for count, noun in counts if count]


def _ask(request: SignedInRequest, found: Experiment, **context: Any) -> HttpResponse:
    return render(
        request, "experiments/delete.html", {"project": found.project, "experiment": found, **context}
    )
