"""Administration of users, projects, tokens; the audit trail is read only."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from accounts import sign_in_admin  # noqa: F401  (Django finds this module; that one registers by being imported)
from accounts.models import ApiToken, AuditEvent, Membership, Project, User
from accounts.services.access import access_changed
from mlplatform.http.admin import ModelAdmin, ReadOnlyAdmin, TabularInline

if TYPE_CHECKING:
    from django.contrib.admin.models import LogEntry
    from django.db.models import QuerySet


class AccessAdmin(ModelAdmin):
    """Rows that say who may do what."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> "LogEntry":
        """Also of a password, and of the rows of an inline table."""
        access_changed()
        return super().log_change(request, obj, message)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """One."""
        super().delete_model(request, obj)
        access_changed()

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        """Many at once."""
        super().delete_queryset(request, queryset)
        access_changed()


@admin.register(User)
class PersonAdmin(AccessAdmin, UserAdmin):  # type: ignore[type-arg]
    """People. An administrator may add one without an e-mail address."""

    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "email", "usable_password", "password1", "password2"),
            },
        ),
    )


class MembershipInline(TabularInline):
    """Members of a project."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Project)
class ProjectAdmin(AccessAdmin):
    """Projects with their members."""

    list_display = ("name", "slug", "created_by", "created_at")
    search_fields = ("name", "slug")
    date_hierarchy = "created_at"
    readonly_fields = ("slug", "created_by", "created_at")
    inlines = [MembershipInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Projects are made by their owners, with a membership and an audit row."""
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(AccessAdmin):
    """Tokens: revoking is all that an administrator does to them."""

    list_display = ("prefix", "name", "user", "created_at", "last_used_at")
    search_fields = ("prefix", "name", "user__username")
    readonly_fields = ("user", "name", "prefix", "created_at", "last_used_at")
    exclude = ("digest",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The text of a token is for its owner only."""
        return False


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what."""

    list_display = ("at", "actor", "verb", "target", "project")
    list_filter = ("verb",)
    search_fields = ("target", "actor__username")
    date_hierarchy = "at"
    list_select_related = ("actor", "project")
