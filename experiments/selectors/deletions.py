"""What was deleted of a project, and how far it is."""

from django.db.models import Count, Max, QuerySet

from accounts.models import Project
from experiments.models import Deletion


def deletions_of(project: Project) -> "QuerySet[Deletion]":
    """Newest first, each with `left` (folders to go) and `trouble` (why one of them does not)."""
    rows = Deletion.objects.filter(project=project).select_related("actor")
    return rows.annotate(left=Count("purges"), trouble=Max("purges__last_error")).order_by("-created_at")
