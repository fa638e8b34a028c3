"""REST: examples, bundles, experiments."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.models import Project
from accounts.selectors.projects import project_get
from experiments.api.output import bundle_json, experiment_json, model_version_json
from experiments.catalog import examples
from experiments.models import Bundle, ModelVersion
from experiments.selectors.experiments import experiment_by_id, experiment_list
from experiments.services.bundles import bundle_from_example, bundle_from_upload
from experiments.services.control import experiment_cancel
from experiments.services.launch import experiment_create
from mlplatform.http.parsers import BoundedJSONParser
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


class BundlesView(APIView):
    """POST file (multipart) or {"example": name}: put training code into a project."""

    parser_classes = (MultiPartParser, BoundedJSONParser)

    def post(self, request: Request, slug: str) -> Response:
        """201 with the bundle and its manifest; 400 names what is wrong with the code."""
        project = project_get(caller(request), slug, "launch")
        upload = request.FILES.get("file")
        example = request.data.get("example") if isinstance(request.data, dict) else None
        if upload is not None:
            bundle = bundle_from_upload(
                user=caller(request), project=project, filename=upload.name or "", content=upload.read()
            )
        elif example:
            bundle = bundle_from_example(user=caller(request), project=project, name=str(example))
        else:
            raise InvalidInput(
                'Send a file as the multipart field "file", or {"example": "digits"}.', field="code"
            )
        return Response(bundle_json(bundle), status=201)


class ExperimentInput(serializers.Serializer[Any]):
    """A new experiment. Either `bundle` or `example`; what is left out comes from the manifest."""

    bundle = serializers.UUIDField(required=False)
    example = serializers.CharField(max_length=100, required=False)
    name = serializers.CharField(max_length=100, required=False)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    entrypoint = serializers.CharField(max_length=200, required=False)
    runs = serializers.ListField(child=serializers.DictField(), allow_empty=False)
    objective_metric = serializers.CharField(max_length=200, required=False)
    objective_direction = serializers.CharField(max_length=10, required=False)
    workers = serializers.IntegerField(required=False)
    cpus_per_worker = serializers.FloatField(required=False)
    gpus_per_worker = serializers.FloatField(required=False)
    max_parallel = serializers.IntegerField(required=False)
    max_retries = serializers.IntegerField(required=False)
    fresh_process = serializers.BooleanField(required=False)


class ExperimentsView(APIView):
    """GET: experiments of a project. POST: create one and queue its runs."""

    def get(self, request: Request, slug: str) -> Response:
        """200, newest first."""
        return Response([experiment_json(e) for e in experiment_list(project_get(caller(request), slug))])

    def post(self, request: Request, slug: str) -> Response:
        """201."""
        project = project_get(caller(request), slug, "launch")
        data = ExperimentInput(data=request.data)
        data.is_valid(raise_exception=True)
        given = dict(data.validated_data)
        bundle = self._bundle(request, project, given)
        defaults = {"name": bundle.manifest["name"], **bundle.manifest["resources"]}
        experiment = experiment_create(
            user=caller(request),
            project=project,
            bundle=bundle,
            param_sets=given.pop("runs"),
            **(defaults | given),
        )
        return Response(experiment_json(experiment), status=201)

    def _bundle(self, request: Request, project: Project, given: dict[str, Any]) -> Bundle:
        pk, example = given.pop("bundle", None), given.pop("example", None)
        if (pk is None) == (example is None):
            raise InvalidInput("Name either a bundle (its id) or an example, not both.", field="bundle")
        if example is not None:
            return bundle_from_example(user=caller(request), project=project, name=example)
        bundle = Bundle.objects.filter(pk=pk, project=project).first()
        if bundle is None:
            raise InvalidInput(
                f"There is no bundle {pk} in this project; upload the code first.", field="bundle"
            )
        return bundle


class ExperimentView(APIView):
    """GET: one experiment."""

    def get(self, request: Request, pk: UUID) -> Response:
        """200, or 404 for a stranger."""
        return Response(experiment_json(experiment_by_id(caller(request), pk)))


class ExperimentCancelView(APIView):
    """POST: cancel everything of it that has not finished."""

    def post(self, request: Request, pk: UUID) -> Response:
        """200; 409 if it is over."""
        experiment = experiment_cancel(user=caller(request), experiment=experiment_by_id(caller(request), pk))
        return Response(experiment_json(experiment))


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
