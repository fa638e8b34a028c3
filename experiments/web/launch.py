"""New experiment, step 1: the code. More runs for an old one."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import Project
from accounts.selectors.projects import project_get
from accounts.web.access import SignedInRequest, signed_in
from accounts.web.once import once
from experiments.catalog import examples
from experiments.models import Bundle, Experiment, Run
from experiments.selectors.experiments import experiment_get
from experiments.services.bundles import bundle_from_example
from experiments.services.git_bundles import bundle_from_git
from experiments.services.launch import runs_add
from experiments.web.code_forms import GitForm
from experiments.web.forms import ParameterForm
from experiments.web.uploads import uploaded
from experiments.web.words import counted
from mlplatform.http.forms import show_error
from mlplatform.kernel.errors import InvalidInput, TooLarge, Unavailable

FORM_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(FORM_METHODS)
@signed_in
def code(request: SignedInRequest, project: str) -> HttpResponse:
    """Step 1: an example, an upload or a revision in Git becomes a bundle.

    `?from=<slug>`: the next step begins with the settings of that experiment.
    """
    found = project_get(request.user, project, "launch")
    slug = request.GET.get("from")
    origin = experiment_get(request.user, project, slug, "launch") if slug else None
    git_form = GitForm(request.POST if "git_url" in request.POST else None)
    error, status = "", 200
    if request.method == "POST":
        try:
            if bundle := _bundle(request, found, git_form):
                address = reverse("experiment_configure", args=[found.slug, bundle.pk])
                return redirect(f"{address}?from={origin.slug}" if origin else address)
            status = 400
        except (InvalidInput, TooLarge, Unavailable) as problem:
            status = 503 if problem.retryable else 400
            if git_form.is_bound:
                show_error(problem, git_form)
            else:
                error = problem.message
    context = {
        "project": found,
        "origin": origin,
        "examples": examples(),
        "error": error,
        "git_form": git_form,
        "max_bytes": settings.MAX_BUNDLE_BYTES,
        "max_megabytes": settings.MAX_BUNDLE_BYTES // 2**20,
    }
    return render(request, "experiments/new_code.html", context, status=status)


@require_http_methods(FORM_METHODS)
@signed_in
@once
def add(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """More runs; `?from=<number>` begins with the values of that run."""
    experiment = experiment_get(request.user, project, slug, "launch")
    source = _source(experiment, request.GET.get("from", ""))
    data = request.POST if request.method == "POST" else None
    params = ParameterForm(experiment.declared, data, source.params if source else None)
    if data is not None and params.is_valid():
        try:
            runs = runs_add(user=request.user, experiment=experiment, param_sets=params.sets())
        except InvalidInput as error:
            show_error(error, params)
        else:
            messages.success(request, f"{counted(len(runs), 'run')} added.")
            return redirect(experiment)
    context = {"project": experiment.project, "experiment": experiment, "params": params, "source": source}
    return render(request, "experiments/runs_add.html", context, status=400 if params.errors else 200)


def _bundle(request: SignedInRequest, project: Project, git_form: GitForm) -> Bundle | None:
    """None if the form for Git has errors, which then shows them."""
    if git_form.is_bound:
        if not git_form.is_valid():
            return None
        given = {name.removeprefix("git_"): value for name, value in git_form.cleaned_data.items()}
        return bundle_from_git(user=request.user, project=project, **given)
    if name := request.POST.get("example"):
        return bundle_from_example(user=request.user, project=project, name=name)
    return uploaded(request, project)


def _source(experiment: Experiment, number: str) -> Run | None:
    if not number.isdecimal() or len(number) > 9:
        return None
    return experiment.runs.filter(number=int(number)).first()
