"""The OpenAPI schema of the REST API: what a method's annotations, its `@extend_schema` and its docstring say."""

import re
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Any, TypedDict, TypeVar, get_args, get_origin, get_type_hints, is_typeddict

from django.http.response import HttpResponseBase
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, build_array_type, resolve_type_hint
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.response import Response

from mlplatform.http.answers import PREFIX, Answer, Done
from mlplatform.http.errors import PROBLEM
from mlplatform.http.input import Input

Method = TypeVar("Method", bound=Callable[..., Any])
REPEATABLE = "is_repeatable"
YAML = "application/yaml"
ANYTHING: dict[str, Any] = {"type": "object", "additionalProperties": {}}
FILE = {"type": "string", "format": "binary"}
KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Sent again under the same key within a day, the request makes nothing more and gets the same answer.",
)


def query(
    name: str, kind: type, words: str, *, many: bool = False, enum: Sequence[str] | None = None
) -> OpenApiParameter:
    """A parameter of the address."""
    return OpenApiParameter(name, kind, description=words, many=many, explode=many or None, enum=enum)


def repeatable(method: Method) -> Method:
    """Of a view: it takes an Idempotency-Key."""
    setattr(method, REPEATABLE, True)
    return method


class Problem(TypedDict):
    """What went wrong and what to do about it (RFC 9457). Some errors say more in further members."""

    type: str
    code: str
    status: int
    title: str
    detail: str


class PlatformSchema(AutoSchema):
    """Answers come from `-> Answer[…]`, errors are problems, and the name of an operation is that of its address."""

    def is_excluded(self) -> bool:
        """What jobs ask the portal is between us and them."""
        return not self.path.startswith(PREFIX)

    def get_operation_id(self) -> str:
        """`RunView` and GET make `run_get`; a view of several verbs names its verb."""
        noun = "_".join(re.findall("[A-Z][a-z]*", type(self.view).__name__.removesuffix("View")))
        verb = getattr(self.view, "verb", "") or self.method
        return f"{noun}_{verb}".lower()

    def get_tags(self) -> list[str]:
        """The module of the view: a module per noun."""
        return [type(self.view).__module__.rpartition(".")[2]]

    def get_summary(self) -> str | None:
        """What the view's docstring says of the method: `GET: one run. POST …`."""
        text = " ".join((type(self.view).__doc__ or "").split())
        parts = re.split(r"(?<=[.?]) (?=(?:GET|POST|PUT|PATCH|DELETE)\b)", text)
        said = next((part for part in parts if part.startswith(self.method)), text)
        summary = said.removeprefix(self.method).lstrip(": ")
        return summary[:1].upper() + summary[1:]

    def get_serializer_name(self, serializer: Any, direction: str) -> str:
        """`Creation` of `ProjectsView` is ProjectsCreation, one of the module tokens TokensCreation."""
        kind = type(serializer)
        owner, _, name = kind.__qualname__.rpartition(".")
        if not owner and not name.endswith("Input"):
            owner = kind.__module__.rpartition(".")[2].title()
        return owner.removesuffix("View") + name

    def get_override_parameters(self) -> list[Any]:
        """A method that makes something once says so."""
        return [KEY] if getattr(self._handler(), REPEATABLE, False) else []

    def get_request_serializer(self) -> Any:
        """None but where `@extend_schema(request=…)` names it."""
        return None

    def map_parsers(self) -> list[str]:
        """Forms are taken too, for the convenience of `curl`."""
        return ["application/json"]

    def get_response_serializers(self) -> Any:
        """By status."""
        problem = self._schema_of(Problem)
        return {**self._answer(), ("4XX", PROBLEM): problem, ("5XX", PROBLEM): problem}

    def _is_list_view(self, serializer: Any = None) -> bool:
        """A list says so itself."""
        return False

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        """An Input takes nothing that it does not know."""
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, Input):
            for name in serializer.known():
                schema.setdefault("properties", {}).setdefault(name, {"type": "object"})
            schema["additionalProperties"] = False
        return schema

    def _handler(self) -> Any:
        return getattr(self.view, self.method.lower())

    def _answer(self) -> dict[Any, Any]:
        hint = get_type_hints(self._handler())["return"]
        kind: type[HttpResponseBase] = get_origin(hint) or hint
        if not issubclass(kind, Response):
            # A view that sends files has `media_types`.
            kinds: Sequence[str] = getattr(self.view, "media_types")  # noqa: B009  # not of every view
            return {(200, kind): ANYTHING if kind == YAML else FILE for kind in kinds}
        if issubclass(kind, Done):
            return {Done.status_code: OpenApiResponse(description="Done.")}
        assert issubclass(kind, Answer), f"{self._handler().__qualname__} does not say what it answers"
        return {kind.status_code: self._schema_of(get_args(hint)[0])}

    def _schema_of(self, hint: Any) -> dict[str, Any]:
        """Shapes have names, so that clients have types."""
        if get_origin(hint) is list:
            items: dict[str, Any] = build_array_type(self._schema_of(get_args(hint)[0]))
            return items
        if isinstance(hint, UnionType):
            return {"oneOf": [self._schema_of(each) for each in get_args(hint)]}
        if not is_typeddict(hint):
            found: dict[str, Any] = resolve_type_hint(hint)
            return found
        component = ResolvedComponent(
            hint.__name__.removesuffix("Json"),
            ResolvedComponent.SCHEMA,
            schema=resolve_type_hint(hint),
            object=hint,
        )
        self.registry.register_on_missing(component)
        reference: dict[str, Any] = component.ref
        return reference
