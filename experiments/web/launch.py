"""New experiment in two steps, and more runs for an old one."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Project
from accounts.selectors.projects import project_get
from accounts.web.access import SignedInRequest, signed_in
from experiments.catalog import examples
from experiments.manifest import Manifest
from experiments.models import Bundle, Experiment, Run
from experiments.selectors.experiments import experiment_get
from experiments.services.bundles import bundle_from_example, bundle_from_upload
from experiments.services.launch import experiment_create, runs_add
from experiments.web.forms import LaunchForm, ParameterForm
from mlplatform.http.forms import show_error
from mlplatform.kernel.errors import InvalidInput, NotFound, TooLarge

FORM_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(FORM_METHODS)
@signed_in
def code(request: SignedInRequest, project: str) -> HttpResponse:
    """Step 1: an example or an upload becomes a bundle."""
    found = project_get(request.user, project, "launch")
    error = ""
    if request.method == "POST":
        try:
            return redirect("experiment_configure", found.slug, _bundle(request, found).pk)
        except (InvalidInput, TooLarge) as problem:
            error = problem.message
    context = {
        "project": found,
        "examples": examples(),
        "error": error,
        "max_megabytes": settings.MAX_BUNDLE_BYTES // 2**20,
    }
    return render(request, "experiments/new_code.html", context, status=400 if error else 200)


@require_http_methods(FORM_METHODS)
@signed_in
def configure(request: SignedInRequest, project: str, bundle: UUID) -> HttpResponse:
    """Step 2: parameters, objective and resources; then the experiment starts."""
    found = project_get(request.user, project, "launch")
    source = Bundle.objects.filter(project=found, pk=bundle).first()
    if source is None:
        raise NotFound("There is no such code in this project. Upload it again.")
    manifest = Manifest.from_json(source.manifest)
    data = request.POST if request.method == "POST" else None
    form, params = LaunchForm.of(manifest, data), ParameterForm(manifest.parameters, data)
    # Both are checked before anything is said, so that one look shows every error.
    if data is not None and all([form.is_valid(), params.is_valid()]):
        try:
            experiment = experiment_create(
                user=request.user,
                project=found,
                bundle=source,
                param_sets=params.param_sets,
                description=manifest.description,
                **form.cleaned_data,
            )
        except InvalidInput as error:
            show_error(error, form, params)
        else:
            messages.success(request, f"{experiment.name} is launched with {_runs(params.run_count)}.")
            return redirect(experiment)
    context = {"project": found, "bundle": source, "form": form, "params": params}
    return render(
        request, "experiments/new_form.html", context, status=400 if form.errors or params.errors else 200
    )


@require_http_methods(FORM_METHODS)
@signed_in
def add(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """More runs; `?from=<number>` begins with the values of that run."""
    experiment = experiment_get(request.user, project, slug, "launch")
    source = _source(experiment, request.GET.get("from", ""))
    data = request.POST if request.method == "POST" else None
    params = ParameterForm(experiment.declared, data, source.params if source else None)
    if data is not None and params.is_valid():
        try:
            runs = runs_add(user=request.user, experiment=experiment, param_sets=params.param_sets)
        except InvalidInput as error:
            show_error(error, params)
        else:
            messages.success(request, f"{_runs(len(runs))} added.")
            return redirect(experiment)
    context = {"project": experiment.project, "experiment": experiment, "params": params, "source": source}
    return render(request, "experiments/runs_add.html", context, status=400 if params.errors else 200)


def _bundle(request: SignedInRequest, project: Project) -> Bundle:
    if name := request.POST.get("example"):
        return bundle_from_example(user=request.user, project=project, name=name)
    upload = request.FILES.get("code")
    if upload is None:
        raise InvalidInput("Choose a .py file or a .zip first.", field="code")
    if upload.size is not None and upload.size > settings.MAX_BUNDLE_BYTES:
        raise TooLarge(f"{upload.name} is larger than {settings.MAX_BUNDLE_BYTES // 2**20} MB.", field="code")
    return bundle_from_upload(
        user=request.user, project=project, filename=upload.name or "", content=upload.read()
    )


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


def _source(experiment: Experiment, number: str) -> Run | None:
    if not number.isdecimal() or len(number) > 9:
        return None
    return experiment.runs.filter(number=int(number)).first()
