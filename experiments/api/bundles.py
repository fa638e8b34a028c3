"""REST: training code."""

from functools import partial

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.models import Project
from accounts.selectors.projects import project_get
from accounts.services.once import once_slowly
from experiments.api.output.bundles import BundleJson, bundle_json
from experiments.models import Bundle
from experiments.services.bundles import bundle_from_example, bundle_from_upload
from experiments.services.git_bundles import bundle_from_git
from mlplatform.http.answers import Created
from mlplatform.http.input import Input, checked
from mlplatform.http.parsers import BoundedJSONParser
from mlplatform.kernel.errors import InvalidInput


class GitInput(Input):
    """Where to fetch from. What the values may be is the service's to say."""

    url = serializers.CharField()
    revision = serializers.CharField(required=False, allow_blank=True, default="")
    path = serializers.CharField(required=False, allow_blank=True, default="")


class FileInput(Input):
    """A `.py` or a `.zip`."""

    file = serializers.FileField(required=False, allow_empty_file=True)


class StoredCodeInput(Input):
    """One of them."""

    example = serializers.CharField(max_length=100, required=False)
    git = GitInput(required=False)


class CodeInput(FileInput, StoredCodeInput):
    """One of the three."""


class BundlesView(APIView):
    """POST file (multipart), {"example": name} or {"git": {"url", "revision", "path"}}: put code into a project."""

    parser_classes = (MultiPartParser, BoundedJSONParser)

    @extend_schema(request={"multipart/form-data": FileInput, "application/json": StoredCodeInput})
    @partial(once, answering=once_slowly)  # a fetch from Git may take a minute
    def post(self, request: Request, slug: str) -> Created[BundleJson]:
        """201 with the bundle and its manifest; 400 names what is wrong with the code, 503 what is busy."""
        project = project_get(caller(request), slug, "launch")
        return Created(bundle_json(self._bundle(request, project)))

    def _bundle(self, request: Request, project: Project) -> Bundle:
        user = caller(request)
        given = checked(CodeInput, request.data)
        if len(given) == 1:
            match given:
                case {"file": upload}:
                    content, name = upload.read(), upload.name or ""
                    return bundle_from_upload(user=user, project=project, filename=name, content=content)
                case {"example": name}:
                    return bundle_from_example(user=user, project=project, name=name)
                case {"git": git}:
                    return bundle_from_git(user=user, project=project, **git)
        raise InvalidInput(
            'Send a file as the multipart field "file", or {"example": "digits"}, or {"git": {"url": "https://…"}}.',
            field="code",
        )
