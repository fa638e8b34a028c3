"""Administration: what holds resources, and who works on what. Read only: the reconciler writes these rows."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from mlplatform.http.admin import ReadOnlyAdmin
from mlplatform.http.downloads import download
from mlplatform.http.rows import CONTENT_TYPES
from runners.ledger_file import ledger_file
from runners.models import Allocation, Lease, UsageSlice


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


@admin.register(UsageSlice)
class UsageSliceAdmin(ReadOnlyAdmin):
    """The ledger of what allocations held."""

    list_display = ("begun_at", "ended_at", "project_name", "user_name", "backend", "cpus", "gpus", "memory")
    list_filter = ("month", "backend")
    search_fields = ("project_name", "user_name", "allocation_id", "owner_id")
    date_hierarchy = "begun_at"
    ordering = ("-begun_at", "-id")
    actions = ["as_csv", "as_json_lines"]

    @admin.action(description="Export the selected rows as CSV")
    def as_csv(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponseBase:
        """A file."""
        return _export(rows, "csv")

    @admin.action(description="Export the selected rows as JSON lines")
    def as_json_lines(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponseBase:
        """A file."""
        return _export(rows, "jsonl")


def _export(rows: "QuerySet[Any]", kind: str) -> HttpResponseBase:
    parts = ledger_file(rows.order_by("begun_at", "id").iterator(), kind)
    return download(parts, filename=f"usage.{kind}", content_type=CONTENT_TYPES[kind])
