"""Keeping, changing and forgetting ways to look at runs."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Project, User
from accounts.permissions import require
from experiments.models import RunView
from experiments.models.view import MAX_FIELD, MAX_NAME
from experiments.query.check import check
from experiments.query.parser import parse, parse_field, parse_sort
from experiments.query.tree import BY_SET, PARAMS
from mlplatform.kernel.errors import Conflict, InvalidInput
from mlplatform.kernel.text import storable

# Of a person in a project, and of a project.
MAX_VIEWS = 200
MAX_COLUMNS = 100
MAX_PINNED = 20


def view_create(
    *, user: User, project: Project, name: str, is_shared: bool, content: Mapping[str, Any]
) -> RunView:
    """Keep a view for the person, or for everybody in the project.

    Raises Forbidden if the person may not do that for others, Conflict if the name is taken, InvalidInput for content.
    """
    require(user, "control" if is_shared else "view", project)
    owner = None if is_shared else user
    if RunView.objects.filter(project=project, owner=owner).count() >= MAX_VIEWS:
        whose = f"{project.name} has" if is_shared else f"You have in {project.name}"
        raise Conflict(f"{whose} {MAX_VIEWS} views already; delete one first.")
    return _save(RunView(project=project, owner=owner), {"name": name, **content})


def view_change(*, user: User, view: RunView, changes: Mapping[str, Any]) -> RunView:
    """Change the name or the content of a view. Raises as `view_create` does."""
    _require(user, view)
    return _save(view, changes)


def view_delete(*, user: User, view: RunView) -> None:
    """Forget a view. Raises Forbidden for the project's if the person may not change it."""
    _require(user, view)
    view.delete()


def _require(user: User, view: RunView) -> None:
    """One's own may be changed by whoever sees it, which is nobody else."""
    require(user, "view" if view.owner_id == user.pk else "control", view.project)


def _check_group(group: str) -> None:
    """Raise InvalidInput unless runs can be taken together like this."""
    if group in ("", BY_SET):
        return
    if len(group) <= MAX_FIELD and parse_field(group).head == PARAMS:
        return
    raise InvalidInput(
        f"Runs cannot be grouped by {group[:MAX_NAME]!r}; use {BY_SET} or params.<name>.", field="group"
    )


@transaction.atomic
def _save(view: RunView, changes: Mapping[str, Any]) -> RunView:
    for name, value in changes.items():
        setattr(view, name, value)
    view.name = view.name.strip()
    if not 0 < len(view.name) <= MAX_NAME or storable(view.name) != view.name:
        raise InvalidInput(f"A view needs a name of up to {MAX_NAME} characters.", field="name")
    # What runs it will be used for, nobody knows, so any name of a metric will do.
    if node := parse(view.where):
        check(node)
    if len(view.sort) > MAX_FIELD:
        raise InvalidInput(f"The order of a view has at most {MAX_FIELD} characters.", field="sort")
    if view.sort:
        parse_sort(view.sort)
    if len(view.columns) > MAX_COLUMNS or any(
        storable(key) != key or len(key) > MAX_FIELD for key in view.columns
    ):
        raise InvalidInput(f"A view has at most {MAX_COLUMNS} columns, each a field.", field="columns")
    _check_group(view.group)
    if len(view.pinned) > MAX_PINNED or any(type(number) is not int or number < 1 for number in view.pinned):
        raise InvalidInput(f"A view pins at most {MAX_PINNED} runs, by their numbers.", field="pinned")
    if view.is_default:
        same = RunView.objects.filter(project=view.project_id, owner=view.owner_id, is_default=True)
        same.exclude(pk=view.pk).update(is_default=False)
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise Conflict(f"There is a view {view.name!r} already; choose another name.", field="name") from None
    return view
