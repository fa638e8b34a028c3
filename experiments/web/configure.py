"""New experiment, steps 2 and 3: parameters, search and resources, as a form or as text."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.selectors.projects import project_get
from accounts.web.access import SignedInRequest, signed_in
from accounts.web.once import once
from experiments.definition import Definition
from experiments.manifest import Manifest
from experiments.models import Bundle, Experiment
from experiments.search.space import ParamSet
from experiments.selectors.bundles import bundle_warnings
from experiments.selectors.definitions import definition_for, definition_of
from experiments.selectors.experiments import experiment_get
from experiments.services.launch import experiment_create
from experiments.services.preview import experiment_preview
from experiments.services.readiness import code_notes
from experiments.web.draft import draft_drop, draft_keep, draft_of
from experiments.web.forms import ParameterForm
from experiments.web.launch_forms import LaunchForms
from experiments.web.preview import preview_shown
from experiments.web.uploads import uploaded
from experiments.web.words import counted
from experiments.web.yaml_form import YamlForm
from mlplatform.http.pages import render_page
from mlplatform.kernel.errors import InvalidInput, NotFound, TooLarge

Given = LaunchForms | YamlForm
LIVE = "live"
VIEWS = (("form", "Form"), ("yaml", "As YAML"))
# Buttons that make nothing twice.
LOOKING = {"preview", "view", "replace"}


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def configure(request: SignedInRequest, project: str, bundle: UUID) -> HttpResponse:
    """The whole definition. Buttons: `preview`, `view` (the same as `yaml` or `form`), `replace` (other code), launch.

    `?from=<slug>` begins with the settings of that experiment. The page asks for `preview=live` while somebody types.
    """
    if LOOKING & set(request.POST):
        return _page(request, project, bundle)
    return _launched_once(request, project, bundle)


def _page(request: SignedInRequest, project: str, bundle: UUID) -> HttpResponse:
    found = project_get(request.user, project, "launch")
    source = Bundle.objects.filter(project=found, pk=bundle).first()
    if source is None:
        raise NotFound("There is no such code in this project. Upload it again.")
    code = _code(source)
    origin, begin, sets = _beginning(request, project, code)
    given = _given(code, begin, sets, request.POST if request.method == "POST" else draft_of(request, source))
    context: dict[str, Any] = {"project": found, "bundle": source, "origin": origin}
    if "replace" in request.POST:
        try:
            return _replace(request, source, given)
        except (InvalidInput, TooLarge) as error:
            context["code_error"] = error.message
    elif request.method == "POST" and given.is_valid():
        try:
            if not LOOKING & set(request.POST):
                return _launch(request, source, origin, given)
            definition, sets = given.definition(), given.sets
            preview = experiment_preview(
                user=request.user, bundle=source, definition=definition, param_sets=sets
            )
            context["preview"] = preview_shown(preview, code.parameters, definition)
            if "view" in request.POST:
                given = _as(request.POST["view"], code, definition, sets)
        except InvalidInput as error:
            given.show(error)
    return _shown(request, source, given, context)


def _shown(request: SignedInRequest, source: Bundle, given: Given, context: dict[str, Any]) -> HttpResponse:
    is_live = request.POST.get("preview") == LIVE
    if not is_live:
        context["notes"] = [*bundle_warnings(source), *code_notes(source)]
    context |= {
        "forms": given,
        "as_text": isinstance(given, YamlForm),
        "views": VIEWS,
        "shown_view": "yaml" if isinstance(given, YamlForm) else "form",
        "max_bytes": settings.MAX_BUNDLE_BYTES,
        "max_megabytes": settings.MAX_BUNDLE_BYTES // 2**20,
    }
    fragment = "preview" if is_live else "new-form"
    response = render_page(request, "experiments/new_form.html", context, fragment=fragment)
    is_wrong = "code_error" in context or (request.method == "POST" and given.has_errors)
    # What is not finished yet is no error.
    response.status_code = 400 if is_wrong and not is_live else 200
    return response


_launched_once = once(_page)


def _beginning(
    request: SignedInRequest, project: str, code: Manifest
) -> tuple[Experiment | None, Definition, list[ParamSet]]:
    """What the form begins with: the experiment that is cloned, if any, and else what the code proposes."""
    slug = request.GET.get("from")
    if not slug:
        return None, Definition.of_manifest(code), list(code.runs)
    origin = experiment_get(request.user, project, slug, "launch")
    definition, sets = definition_for(code, *definition_of(origin))
    return origin, definition.changed({"name": f"{origin.name[:95]} copy"}), sets


def _given(code: Manifest, begin: Definition, sets: list[ParamSet], data: QueryDict | None) -> Given:
    if data is not None and "yaml" in data:
        return YamlForm(code, data)
    return LaunchForms(code.parameters, begin, data, sets)


def _as(view: str, code: Manifest, definition: Definition, sets: list[ParamSet]) -> Given:
    """What somebody has said in either view. Raises InvalidInput for what the form has no place for."""
    if view != "yaml" and definition.search.get("method") == "grid" and "runs" in definition.search:
        raise InvalidInput(
            "search.runs limits a grid, which the form cannot say; remove it, or launch it from here.",
            field="search.runs",
        )
    if view == "yaml":
        return YamlForm(code, None, definition.manifest(code, sets).to_yaml())
    return LaunchForms(code.parameters, definition, None, sets)


def _replace(request: SignedInRequest, source: Bundle, given: Given) -> HttpResponse:
    """Other code under the same form: what was filled in is kept for it."""
    bundle = uploaded(request, source.project)
    code, before = _code(bundle), ParameterForm(_code(source).parameters).sent()
    fields = request.POST.copy()
    if isinstance(given, YamlForm) and given.is_valid():
        definition, sets = definition_for(code, given.definition(), given.sets)
        fields["yaml"] = definition.manifest(code, sets).to_yaml()
    for name, values in ParameterForm(code.parameters).sent().items():
        # One that is not sent although the old code has it too has nothing ticked.
        if name not in before:
            fields.setlist(name, values)
    draft_keep(request, bundle, fields)
    address = reverse("experiment_configure", args=[source.project.slug, bundle.pk])
    query = request.GET.urlencode()
    return redirect(f"{address}?{query}" if query else address)


def _code(bundle: Bundle) -> Manifest:
    return Manifest.from_json(bundle.manifest)


def _launch(
    request: SignedInRequest, bundle: Bundle, origin: Experiment | None, given: Given
) -> HttpResponse:
    experiment = experiment_create(
        user=request.user,
        project=bundle.project,
        bundle=bundle,
        definition=given.definition(),
        param_sets=given.sets,
        cloned_from=origin,
    )
    draft_drop(request)
    count = given.run_count
    messages.success(
        request, f"{experiment.name} is launched" + (f" with {counted(count, 'run')}." if count else ".")
    )
    return redirect(experiment)
