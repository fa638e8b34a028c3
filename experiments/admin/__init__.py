"""Administration: look at experiments, runs, code and models. Read only: their states belong to the services."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery, Sum
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from accounts.admin.projects import ProjectAdmin
from accounts.models import Project
from experiments.admin.quotas import QuotaAdmin
from experiments.models import Bundle, Experiment, ModelVersion, Run, TrackingSync
from experiments.selectors.contents import project_contents
from mlplatform.http.admin import ReadOnlyAdmin

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = ["QuotaAdmin"]


@admin.register(Experiment)
class ExperimentAdmin(ReadOnlyAdmin):
    """Experiments."""

    list_display = (
        "name",
        "project",
        "state",
        "workers",
        "max_parallel",
        "created_by",
        "created_at",
        "ended_at",
    )
    list_filter = ("state", "backend")
    search_fields = ("name", "slug", "project__slug", "id")
    date_hierarchy = "created_at"
    list_select_related = ("project", "created_by")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs."""

    list_display = (
        "experiment",
        "number",
        "state",
        "attempts_made",
        "cause_code",
        "created_at",
        "started_at",
        "ended_at",
    )
    list_filter = ("state", "cause_code")
    search_fields = ("id", "experiment__slug", "experiment__name")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    list_select_related = ("experiment",)


@admin.register(Bundle)
class BundleAdmin(ReadOnlyAdmin):
    """Training code."""

    list_display = ("name", "project", "sha256", "size", "created_by", "created_at")
    search_fields = ("name", "sha256", "project__slug")
    date_hierarchy = "created_at"
    list_select_related = ("project", "created_by")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Registered models."""

    list_display = ("name", "version", "project", "run", "created_at")
    search_fields = ("name", "project__slug")
    list_select_related = ("project", "run__experiment")


@admin.register(TrackingSync)
class TrackingSyncAdmin(ReadOnlyAdmin):
    """The outbox to MLflow: what has not been told yet, and why."""

    list_display = ("run", "tries", "next_try_at", "synced_at", "last_error")
    list_filter = (("synced_at", admin.EmptyFieldListFilter),)
    search_fields = ("run__id", "mlflow_run_id")
    list_select_related = ("run__experiment",)


admin.site.unregister(Project)


@admin.register(Project)
class FilledProjectAdmin(ProjectAdmin):
    """Projects, with what they hold."""

    list_display = (*ProjectAdmin.list_display, "code_size")
    fields = (*ProjectAdmin.fields, "holds")
    readonly_fields = (*ProjectAdmin.readonly_fields, "holds")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Project]":
        """See Django."""
        code = Bundle.objects.filter(project=OuterRef("pk")).order_by().values("project")
        found = super().get_queryset(request)
        return found.annotate(code_bytes=Subquery(code.values(size=Sum("size"))))

    @admin.display(description="code", ordering="code_bytes")
    def code_size(self, project: Any) -> str:
        """Bytes of the uploaded code, in words: what a list can know without asking the storage."""
        return str(filesizeformat(project.code_bytes or 0))

    @admin.display(description="holds")
    def holds(self, project: Project) -> str:
        """What its deletion would free."""
        found = project_contents(project)
        size = filesizeformat(found.total)
        about = "at least" if found.is_more or found.stored is None else "about"
        return (
            f"{found.experiments} experiments ({len(found.open)} not over), {found.runs} runs, {found.models} models, "
            f"{about} {size}"
        )
