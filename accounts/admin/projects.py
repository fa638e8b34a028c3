"""Administration of projects, and of those that are deleted."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from accounts.admin.access import AccessAdmin, caller
from accounts.admin.quotas import change_quotas
from accounts.models import Membership, Project, ProjectDeletion
from accounts.services.audit import audit
from accounts.services.closing import project_delete
from mlplatform.http.admin import ReadOnlyAdmin, TabularInline

if TYPE_CHECKING:
    from django.db.models import QuerySet


class MembershipInline(TabularInline):
    """Members of a project."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Project)
class ProjectAdmin(AccessAdmin):
    """Projects with their members. What is deleted here goes as if its owner had deleted it."""

    actions = [change_quotas]

    list_display: tuple[str, ...] = (
        "name",
        "slug",
        "weight",
        "preemptible",
        "created_by",
        "members_count",
        "archived_at",
        "deleting_at",
        "created_at",
    )
    list_filter = (
        ("archived_at", admin.EmptyFieldListFilter),
        ("deleting_at", admin.EmptyFieldListFilter),
        "preemptible",
        ("personal_of", admin.EmptyFieldListFilter),
    )
    list_select_related = ("created_by",)
    search_fields = ("name", "slug", "memberships__user__username")
    date_hierarchy = "created_at"
    fields: ClassVar[tuple[str, ...]] = (
        "name",
        "slug",
        "description",
        "weight",
        "preemptible",
        "created_by",
        "personal_of",
        "created_at",
        "archived_at",
        "deleting_at",
    )
    readonly_fields: ClassVar[tuple[str, ...]] = (
        "slug",
        "created_by",
        "personal_of",
        "created_at",
        "archived_at",
        "deleting_at",
    )
    inlines = [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Project]":
        """See Django."""
        found: QuerySet[Project] = super().get_queryset(request)
        return found.annotate(member_count=Count("memberships", distinct=True))

    @admin.display(description="members", ordering="member_count")
    def members_count(self, project: Any) -> int:
        """How many."""
        return int(project.member_count)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Projects are made by their owners, with a membership and an audit row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        """Once."""
        return (obj is None or obj.deleting_at is None) and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Not row by row, of which there may be millions."""
        words = [f"{project}, with its experiments, models, code and files" for project in objs]
        return words, {"projects": len(words)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        """Nobody sees it any more; the rest goes in the background."""
        project_delete(user=caller(request), project=obj, confirmation=obj.slug)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Project]") -> None:
        """Many at once."""
        for project in queryset.filter(deleting_at=None):
            self.delete_model(request, project)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # Django's
        """Who changes a membership here is in the audit trail too."""
        super().save_formset(request, form, formset, change)
        changed = [row for row, _ in formset.changed_objects]
        for verb, rows in (
            ("member.add", formset.new_objects),
            ("member.change", changed),
            ("member.remove", formset.deleted_objects),
        ):
            for row in rows:
                audit(caller(request), verb, row.user.username, project=row.project, role=str(row.role))


@admin.register(ProjectDeletion)
class ProjectDeletionAdmin(ReadOnlyAdmin):
    """What became of deleted projects."""

    list_display = ("name", "slug", "requested_by", "requested_at", "finished_at", "freed", "waits_for")
    search_fields = ("name", "slug", "requested_by__username")
    list_select_related = ("requested_by",)

    @admin.display(description="freed", ordering="freed_bytes")
    def freed(self, deletion: ProjectDeletion) -> str:
        """In words."""
        return str(filesizeformat(deletion.freed_bytes))
