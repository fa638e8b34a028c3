"""REST: examples, experiments, models."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.selectors.projects import project_get
from experiments.api.input import ExperimentInput, RevisionInput, asked_for, bundle_of
from experiments.api.output.bundles import ExampleJson, example_json
from experiments.api.output.deletions import DeletionJson, deletion_json
from experiments.api.output.experiments import (
    CountedExperimentJson,
    ExperimentJson,
    PreviewJson,
    WaitingExperimentJson,
    counted_experiment_json,
    experiment_json,
    preview_json,
    waiting_experiment_json,
)
from experiments.api.output.registry import ModelVersionJson, model_version_json
from experiments.catalog import examples
from experiments.models import ModelVersion
from experiments.selectors.definitions import experiment_yaml
from experiments.selectors.experiments import experiment_by_id, experiment_get, experiment_list
from experiments.selectors.waits import experiments_waits
from experiments.services.deletion import experiment_delete
from experiments.services.launch import experiment_create
from experiments.services.preview import experiment_preview
from experiments.services.revision import experiment_revise
from mlplatform.http.answers import Accepted, Answer, Created
from mlplatform.http.input import checked
from mlplatform.http.listing import AFTER, LIMIT, PAGED, listed, paged
from mlplatform.http.schema import query
from mlplatform.kernel.errors import InvalidInput

NEWEST = ("-created_at", "-pk")


class ExamplesView(APIView):
    """GET: the built-in examples."""

    def get(self, request: Request) -> Answer[list[ExampleJson]]:
        """200."""
        return Answer([example_json(example) for example in examples()])


class ExperimentsView(APIView):
    """GET: experiments of a project. POST: create one and queue its runs."""

    @PAGED
    def get(self, request: Request, slug: str) -> Answer[list[CountedExperimentJson]]:
        """200, newest first."""
        page = paged(request, experiment_list(project_get(caller(request), slug)), order=NEWEST)
        waits = experiments_waits(caller(request), page.rows)
        found = [counted_experiment_json(each, waits.get(each.pk)) for each in page.rows]
        return Answer(found, headers=page.headers)

    @extend_schema(request=ExperimentInput)
    @once
    def post(self, request: Request, slug: str) -> Created[ExperimentJson]:
        """201."""
        project = project_get(caller(request), slug, "launch")
        given = checked(ExperimentInput, request.data)
        bundle = bundle_of(caller(request), project, given)
        definition, sets = asked_for(bundle, given)
        experiment = experiment_create(
            user=caller(request), project=project, bundle=bundle, definition=definition, param_sets=sets
        )
        return Created(experiment_json(experiment))


class ExperimentAtView(APIView):
    """GET: one experiment by its address."""

    def get(self, request: Request, slug: str, experiment: str) -> Answer[ExperimentJson]:
        """200, or 404 for a stranger."""
        return Answer(experiment_json(experiment_get(caller(request), slug, experiment)))


class ExperimentPreviewView(ExperimentAtView):
    """POST the same as for a new experiment: what would it do? GET: an experiment may be called preview."""

    @extend_schema(request=ExperimentInput)
    def post(self, request: Request, slug: str, experiment: str) -> Answer[PreviewJson]:
        """200 with counts, first sets, rungs and estimates; 400 exactly where creating it would be refused."""
        project = project_get(caller(request), slug, "launch")
        given = checked(ExperimentInput, request.data)
        bundle = bundle_of(caller(request), project, given)
        definition, sets = asked_for(bundle, given)
        found = experiment_preview(
            user=caller(request), bundle=bundle, definition=definition, param_sets=sets
        )
        return Answer(preview_json(found))


class ExperimentView(APIView):
    """GET: one experiment. PATCH: change its name, parallelism or budget. DELETE: delete it with all that it has."""

    def get(self, request: Request, pk: UUID) -> Answer[WaitingExperimentJson]:
        """200, or 404 for a stranger."""
        found = experiment_by_id(caller(request), pk)
        wait = experiments_waits(caller(request), [found]).get(found.pk)
        return Answer(waiting_experiment_json(found, wait))

    @extend_schema(request=RevisionInput)
    def patch(self, request: Request, pk: UUID) -> Answer[ExperimentJson]:
        """200; 400 naming a field that cannot be changed."""
        experiment = experiment_by_id(caller(request), pk, "control")
        changes = checked(RevisionInput, request.data)
        revised = experiment_revise(user=caller(request), experiment=experiment, changes=changes)
        return Answer(experiment_json(revised))

    def delete(self, request: Request, pk: UUID) -> Accepted[DeletionJson]:
        """202: it is gone, its runs and files follow. 409 while it is open."""
        experiment = experiment_by_id(caller(request), pk, "control")
        return Accepted(deletion_json(experiment_delete(user=caller(request), experiment=experiment)))


class YamlRenderer(JSONRenderer):
    """Lets a client accept YAML alone. Only errors are rendered by it, and JSON is YAML."""

    media_type = "application/yaml"
    format = "yaml"


class DefinitionView(APIView):
    """GET: experiment.yaml that, beside the same code, makes another one like it."""

    renderer_classes = (JSONRenderer, YamlRenderer)
    media_types = ("application/yaml",)

    def get(self, request: Request, pk: UUID) -> HttpResponse:
        """200, as YAML."""
        text = experiment_yaml(experiment_by_id(caller(request), pk))
        return HttpResponse(text, content_type="application/yaml; charset=utf-8")


class ModelVersionsView(APIView):
    """GET: model versions of a project; `?experiment=<id>` only those of one."""

    @extend_schema(parameters=[query("experiment", UUID, "Only those of this one."), AFTER, LIMIT])
    def get(self, request: Request, slug: str) -> Answer[list[ModelVersionJson]]:
        """200, newest first."""
        project = project_get(caller(request), slug)
        versions = ModelVersion.objects.filter(project=project).select_related("project", "run")
        if (experiment := request.query_params.get("experiment")) is not None:
            versions = versions.filter(run__experiment=experiment_by_id(caller(request), _uuid(experiment)))
        return listed(request, versions, model_version_json, order=NEWEST)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not an id.", field="experiment") from None
