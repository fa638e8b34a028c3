"""Administration: look at experiments, runs, code and models. Read only: their states belong to the services."""

from django.contrib import admin

from experiments.admin.quotas import QuotaAdmin
from experiments.models import Bundle, Experiment, ModelVersion, Run, TrackingSync
from mlplatform.http.admin import ReadOnlyAdmin

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
