"""Lists of the REST API, a page at a time: the header Link has the address of the next page and of the previous one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from mlplatform.http.answers import Answer
from mlplatform.http.query import number_in
from mlplatform.http.schema import query
from mlplatform.kernel.errors import InvalidInput

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
AFTER = query("after", str, "Where a page begins: part of the addresses in the header Link.")
LIMIT = query("limit", int, f"Rows of a page, {DEFAULT_LIMIT} if nothing is said, at most {MAX_LIMIT}.")
PAGED = extend_schema(parameters=[AFTER, LIMIT])

Row = TypeVar("Row")
Item = TypeVar("Item")


class _Pages(CursorPagination):
    """Bad input is said to be so instead of being ignored."""

    cursor_query_param = "after"
    page_size_query_param = "limit"

    def __init__(self, order: Sequence[str]) -> None:
        super().__init__()
        self._order = tuple(order)

    def get_page_size(self, request: Request) -> int:
        """See REST framework."""
        return number_in(request.query_params, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """See REST framework."""
        return self._order

    def decode_cursor(self, request: Request) -> Cursor | None:
        """See REST framework. Raises InvalidInput."""
        try:
            return super().decode_cursor(request)
        except NotFound:
            raise InvalidInput("after is no page of this list; begin without it.", field="after") from None


@dataclass(frozen=True)
class Paged(Generic[Row]):
    """Some rows, and the headers that tell where the others are."""

    rows: list[Row]
    headers: dict[str, str]


def paged(request: Request, rows: "QuerySet[Any, Row]", *, order: Sequence[str]) -> Paged[Row]:
    """The page that is asked for. The first of `order` should be different for most rows."""
    pages = _Pages(order)
    page: list[Row] = pages.paginate_queryset(rows, request, view=None) or []
    pages.base_url = settings.PORTAL_URL + request.get_full_path()
    return Paged(page, linked(("next", pages.get_next_link()), ("prev", pages.get_previous_link())))


def listed(
    request: Request, rows: "QuerySet[Any, Row]", to_json: Callable[[Row], Item], *, order: Sequence[str]
) -> Answer[list[Item]]:
    """The same as an answer."""
    page = paged(request, rows, order=order)
    return Answer([to_json(row) for row in page.rows], headers=page.headers)


def linked(*links: tuple[str, str | None]) -> dict[str, str]:
    """The header Link of (relation, address); empty without addresses."""
    told = [f'<{address}>; rel="{relation}"' for relation, address in links if address]
    return {"Link": ", ".join(told)} if told else {}
