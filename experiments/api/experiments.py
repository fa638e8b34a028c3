"""REST: examples, experiments, models."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.selectors.projects import project_get
from experiments.api.input import ExperimentInput, RevisionInput, asked_for, bundle_of
from experiments.api.output import (
    deletion_json,
    experiment_json,
    model_version_json,
    preview_json,
    run_counts_json,
)
from experiments.catalog import examples
from experiments.models import ModelVersion
from experiments.selectors.definitions import experiment_yaml
from experiments.selectors.experiments import experiment_by_id, experiment_get, experiment_list
from experiments.services.deletion import experiment_delete
from experiments.services.launch import experiment_create
from experiments.services.preview import experiment_preview
from experiments.services.revision import experiment_revise
from mlplatform.http.input import checked
from mlplatform.kernel.errors import InvalidInput


class ExamplesView(APIView):
    """GET: the built-in examples."""

    def get(self, request: Request) -> Response:
        """200."""
        return Response(
            [
                {"name": e.name, "title": e.title, "files": sorted(e.files), "manifest": e.manifest.to_json()}
                for e in examples()
            ]
        )


class ExperimentsView(APIView):
    """GET: experiments of a project. POST: create one and queue its runs."""

    def get(self, request: Request, slug: str) -> Response:
        """200, newest first."""
        listed = experiment_list(project_get(caller(request), slug))
        return Response([experiment_json(e) | {"runs": run_counts_json(e)} for e in listed])

    @once
    def post(self, request: Request, slug: str) -> Response:
        """201."""
        project = project_get(caller(request), slug, "launch")
        given = checked(ExperimentInput, request.data)
        bundle = bundle_of(caller(request), project, given)
        definition, sets = asked_for(bundle, given)
        experiment = experiment_create(
            user=caller(request), project=project, bundle=bundle, definition=definition, param_sets=sets
        )
        return Response(experiment_json(experiment), status=201)


class ExperimentAtView(APIView):
    """GET: one experiment by its address."""

    def get(self, request: Request, slug: str, experiment: str) -> Response:
        """200, or 404 for a stranger."""
        return Response(experiment_json(experiment_get(caller(request), slug, experiment)))


class ExperimentPreviewView(ExperimentAtView):
    """POST the same as for a new experiment: what would it do? GET: an experiment may be called preview."""

    def post(self, request: Request, slug: str, experiment: str) -> Response:
        """200 with counts, first sets, rungs and estimates; 400 exactly where creating it would be refused."""
        project = project_get(caller(request), slug, "launch")
        given = checked(ExperimentInput, request.data)
        bundle = bundle_of(caller(request), project, given)
        definition, sets = asked_for(bundle, given)
        found = experiment_preview(bundle=bundle, definition=definition, param_sets=sets)
        return Response(preview_json(found))


class ExperimentView(APIView):
    """GET: one experiment. PATCH: change its name, parallelism or budget. DELETE: delete it with all that it has."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200, or 404 for a stranger."""
        return Response(experiment_json(experiment_by_id(caller(request), pk)))

    def patch(self, request: Request, pk: UUID) -> Response:
        """200; 400 naming a field that cannot be changed."""
        experiment = experiment_by_id(caller(request), pk, "control")
        changes = checked(RevisionInput, request.data)
        revised = experiment_revise(user=caller(request), experiment=experiment, changes=changes)
        return Response(experiment_json(revised))

    def delete(self, request: Request, pk: UUID) -> Response:
        """202: it is gone, its runs and files follow. 409 while it is open."""
        experiment = experiment_by_id(caller(request), pk, "control")
        return Response(
            deletion_json(experiment_delete(user=caller(request), experiment=experiment)), status=202
        )


class YamlRenderer(JSONRenderer):
    """Lets a client accept YAML alone. Only errors are rendered by it, and JSON is YAML."""

    media_type = "application/yaml"
    format = "yaml"


class DefinitionView(APIView):
    """GET: experiment.yaml that, beside the same code, makes another one like it."""

    renderer_classes = (JSONRenderer, YamlRenderer)

    def get(self, request: Request, pk: UUID) -> HttpResponse:
        """200, as YAML."""
        text = experiment_yaml(experiment_by_id(caller(request), pk))
        return HttpResponse(text, content_type="application/yaml; charset=utf-8")


class ModelVersionsView(APIView):
    """GET: model versions of a project; `?experiment=<id>` only those of one."""

    def get(self, request: Request, slug: str) -> Response:
        """200, newest version first."""
        project = project_get(caller(request), slug)
        versions = ModelVersion.objects.filter(project=project).select_related("project", "run")
        if experiment := request.query_params.get("experiment"):
            versions = versions.filter(run__experiment=experiment_by_id(caller(request), _uuid(experiment)))
        return Response([model_version_json(version) for version in versions])


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not an id.", field="experiment") from None
