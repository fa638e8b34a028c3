"""Reading saved views: those of the project, and the person's own."""

from uuid import UUID

from django.db.models import F, Q, QuerySet

from accounts.models import Project, User
from accounts.permissions import require
from experiments.models import RunView
from mlplatform.kernel.errors import NotFound

GONE = "There is no such view, or you may not see it."


def views_of(user: User, project: Project) -> "QuerySet[RunView]":
    """The views that the person sees in the project: their own first, then the project's."""
    rows = RunView.objects.filter(Q(owner=user) | Q(owner=None), project=project)
    return rows.order_by(F("owner").asc(nulls_last=True), "name")


def view_get(user: User, pk: UUID) -> RunView:
    """A view, if the person sees it. Raises NotFound."""
    view = RunView.objects.filter(Q(owner=user) | Q(owner=None), pk=pk).select_related("project").first()
    if view is None:
        raise NotFound(GONE)
    try:
        require(user, "view", view.project)
    except NotFound:
        raise NotFound(GONE) from None
    return view
