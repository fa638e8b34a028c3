"""Reading experiments, always as somebody."""

from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.models import Project
from accounts.permissions import Person, require
from experiments.models import Experiment
from mlplatform.kernel.errors import NotFound

GONE = "There is no such experiment, or you may not see it."


def experiment_list(project: Project) -> "QuerySet[Experiment]":
    """Experiments of a project, newest first, with counts of their runs."""
    return (
        Experiment.objects.filter(project=project)
        .select_related("project", "created_by")
        .annotate(
            run_count=Count("runs"),
            open_count=Count("runs", filter=Q(runs__state__in=["queued", "starting", "running"])),
            completed_count=Count("runs", filter=Q(runs__state="completed")),
            failed_count=Count("runs", filter=Q(runs__state="failed")),
        )
        # Said again: aggregates drop the model's own order.
        .order_by("-created_at", "-pk")
    )


def experiment_get(user: Person, project_slug: str, slug: str, action: str = "view") -> Experiment:
    """The experiment, if the person may do `action` in its project. Raises NotFound or Forbidden."""
    return _checked(user, action, Experiment.objects.filter(project__slug=project_slug, slug=slug))


def experiment_by_id(user: Person, pk: UUID, action: str = "view") -> Experiment:
    """The same, by id."""
    return _checked(user, action, Experiment.objects.filter(pk=pk))


def _checked(user: Person, action: str, rows: "QuerySet[Experiment]") -> Experiment:
    experiment = rows.select_related("project", "bundle__created_by", "created_by", "cloned_from").first()
    if experiment is None:
        raise NotFound(GONE)
    try:
        require(user, action, experiment.project)
    except NotFound:
        raise NotFound(GONE) from None
    return experiment
