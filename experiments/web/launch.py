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
from accounts.web.once import once
from experiments.catalog import examples
from experiments.definition import Definition
from experiments.manifest import Manifest
from experiments.models import Bundle, Experiment, Run
from experiments.selectors.bundles import bundle_warnings
from experiments.selectors.experiments import experiment_get
from experiments.services.bundles import bundle_from_example, bundle_from_upload
from experiments.services.git_bundles import bundle_from_git
from experiments.services.launch import experiment_create, runs_add
from experiments.services.preview import experiment_preview
from experiments.web.code_forms import GitForm
from experiments.web.forms import ParameterForm
from experiments.web.launch_forms import LaunchForms, definition_to_clone
from experiments.web.preview import preview_shown
from experiments.web.words import counted
from mlplatform.http.forms import show_error
from mlplatform.http.pages import render_page
from mlplatform.kernel.errors import InvalidInput, NotFound, TooLarge, Unavailable

FORM_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(FORM_METHODS)
@signed_in
def code(request: SignedInRequest, project: str) -> HttpResponse:
    """Step 1: an example, an upload or a revision in Git becomes a bundle."""
    found = project_get(request.user, project, "launch")
    git_form = GitForm(request.POST if "git_url" in request.POST else None)
    error, status = "", 200
    if request.method == "POST":
        try:
            if bundle := _bundle(request, found, git_form):
                return redirect("experiment_configure", found.slug, bundle.pk)
            status = 400
        except (InvalidInput, TooLarge, Unavailable) as problem:
            status = 503 if problem.retryable else 400
            if git_form.is_bound:
                show_error(problem, git_form)
            else:
                error = problem.message
    context = {
        "project": found,
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
def configure(request: SignedInRequest, project: str, bundle: UUID) -> HttpResponse:
    """Step 2: parameters, search, objective and resources. `preview` in the form shows what they would do.

    `?from=<slug>` begins with the settings of that experiment.
    """
    found = project_get(request.user, project, "launch")
    source = Bundle.objects.filter(project=found, pk=bundle).first()
    if source is None:
        raise NotFound("There is no such code in this project. Upload it again.")
    manifest = Manifest.from_json(source.manifest)
    origin = None
    begin, sets = Definition.of_manifest(manifest), list(manifest.runs)
    if slug := request.GET.get("from"):
        origin = experiment_get(request.user, project, slug, "launch")
        begin, sets = definition_to_clone(origin)
    forms = LaunchForms(manifest.parameters, begin, request.POST if request.method == "POST" else None, sets)
    preview = None
    if forms.bound and forms.is_valid():
        try:
            if "preview" in request.POST:
                preview = experiment_preview(
                    bundle=source, definition=forms.definition(), param_sets=forms.sets
                )
            else:
                return _launch(request, source, origin, forms)
        except InvalidInput as error:
            forms.show(error)
    context = {
        "project": found,
        "bundle": source,
        "warnings": bundle_warnings(source),
        "origin": origin,
        "forms": forms,
        "preview": preview and preview_shown(preview, manifest.parameters, forms.search.runs_per_set),
    }
    response = render_page(request, "experiments/new_form.html", context, fragment="new-form")
    response.status_code = 400 if forms.has_errors else 200
    return response


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


def _launch(
    request: SignedInRequest, bundle: Bundle, origin: Experiment | None, forms: LaunchForms
) -> HttpResponse:
    experiment = experiment_create(
        user=request.user,
        project=bundle.project,
        bundle=bundle,
        definition=forms.definition(),
        param_sets=forms.sets,
        cloned_from=origin,
    )
    count = forms.run_count
    messages.success(
        request, f"{experiment.name} is launched" + (f" with {counted(count, 'run')}." if count else ".")
    )
    return redirect(experiment)


def _bundle(request: SignedInRequest, project: Project, git_form: GitForm) -> Bundle | None:
    """None if the form for Git has errors, which then shows them."""
    if git_form.is_bound:
        if not git_form.is_valid():
            return None
        given = {name.removeprefix("git_"): value for name, value in git_form.cleaned_data.items()}
        return bundle_from_git(user=request.user, project=project, **given)
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


def _source(experiment: Experiment, number: str) -> Run | None:
    if not number.isdecimal() or len(number) > 9:
        return None
    return experiment.runs.filter(number=int(number)).first()
