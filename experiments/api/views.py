"""REST: saved views of the tables of runs."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from accounts.api.once import once
from accounts.selectors.projects import project_get
from experiments.api.output.views import ViewJson, view_json
from experiments.selectors.views import view_get, views_of
from experiments.services.views import view_change, view_create, view_delete
from mlplatform.http.answers import Answer, Created, Done
from mlplatform.http.input import Input, RowNumber, checked


class ChangeInput(Input):
    """What a view holds."""

    name = serializers.CharField(required=False)
    where = serializers.CharField(required=False, allow_blank=True)
    sort = serializers.CharField(required=False, allow_blank=True)
    columns = serializers.ListField(child=serializers.CharField(), required=False)
    differing = serializers.BooleanField(required=False)
    group = serializers.CharField(required=False, allow_blank=True)
    pinned = serializers.ListField(child=RowNumber(), required=False)
    pinned_of = serializers.UUIDField(required=False, allow_null=True)
    is_default = serializers.BooleanField(required=False)


class CreateInput(ChangeInput):
    """A new one: a name at least."""

    name = serializers.CharField()
    is_shared = serializers.BooleanField(default=False)


class ViewsView(APIView):
    """GET: the views of the project and the caller's own. POST: keep one."""

    def get(self, request: Request, slug: str) -> Answer[list[ViewJson]]:
        """200."""
        project = project_get(caller(request), slug)
        return Answer([view_json(view) for view in views_of(caller(request), project)])

    @extend_schema(request=CreateInput)
    @once
    def post(self, request: Request, slug: str) -> Created[ViewJson]:
        """201; 403 for one that is shared without the right to, 409 if the name is taken."""
        project = project_get(caller(request), slug)
        given = checked(CreateInput, request.data)
        view = view_create(
            user=caller(request),
            project=project,
            name=given.pop("name"),
            is_shared=given.pop("is_shared"),
            content=given,
        )
        return Created(view_json(view))


class ViewView(APIView):
    """GET, PATCH and DELETE one view."""

    def get(self, request: Request, pk: UUID) -> Answer[ViewJson]:
        """200, or 404 for whoever does not see it."""
        return Answer(view_json(view_get(caller(request), pk)))

    @extend_schema(request=ChangeInput)
    def patch(self, request: Request, pk: UUID) -> Answer[ViewJson]:
        """200."""
        view = view_get(caller(request), pk)
        changes = checked(ChangeInput, request.data)
        return Answer(view_json(view_change(user=caller(request), view=view, changes=changes)))

    def delete(self, request: Request, pk: UUID) -> Done:
        """204."""
        view_delete(user=caller(request), view=view_get(caller(request), pk))
        return Done()
