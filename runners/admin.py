"""Administration: what holds resources, and who works on what. Read only: the reconciler writes these rows."""

from django.contrib import admin

from mlplatform.http.admin import ReadOnlyAdmin
from runners.models import Allocation, Lease


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    """Allocations, newest first."""

    list_display = (
        "id",
        "state",
        "backend",
        "workers",
        "cpus_per_worker",
        "end_reason",
        "created_at",
        "ended_at",
    )
    list_filter = ("state", "backend", "end_reason")
    search_fields = ("id", "owner_id")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    """Leases, newest first."""

    list_display = (
        "id",
        "subject_id",
        "attempt",
        "allocation",
        "expires_at",
        "released_at",
        "release_reason",
    )
    list_filter = ("release_reason",)
    search_fields = ("subject_id", "allocation__id")
    ordering = ("-id",)
    list_select_related = ("allocation",)
