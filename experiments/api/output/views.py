"""What the REST API tells about saved views."""

from typing import TypedDict
from uuid import UUID

from experiments.models import RunView


class ViewJson(TypedDict):
    """A saved view."""

    id: str
    name: str
    is_shared: bool
    is_default: bool
    where: str
    sort: str
    columns: list[str]
    differing: bool
    group: str
    pinned: list[int]
    pinned_of: UUID | None


def view_json(view: RunView) -> ViewJson:
    """A saved view."""
    return {
        "id": str(view.id),
        "name": view.name,
        "is_shared": view.owner_id is None,
        "is_default": view.is_default,
        "where": view.where,
        "sort": view.sort,
        "columns": view.columns,
        "differing": view.differing,
        "group": view.group,
        "pinned": view.pinned,
        "pinned_of": view.pinned_of,
    }
