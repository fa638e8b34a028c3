"""Administration of users, projects, tokens; the audit trail is read only."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Q
from django.http import HttpRequest

from accounts.models import ApiToken, AuditEvent, Membership, Project, User
from accounts.services.access import access_changed
from accounts.services.tokens import token_delete
from mlplatform.http.admin import ModelAdmin, ReadOnlyAdmin, TabularInline
from mlplatform.kernel import clock

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


class ExpiryFilter(admin.SimpleListFilter):
    """Tokens that work, and those whose time is over or never will be."""

    title = "expiry"
    parameter_name = "expiry"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """See Django."""
        return [("open", "Works"), ("over", "Expired"), ("never", "Never expires")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[ApiToken]") -> "QuerySet[ApiToken]":
        """See Django."""
        now = clock.now()
        wanted = {
            "open": Q(expires_at=None) | Q(expires_at__gt=now),
            "over": Q(expires_at__lte=now),
            "never": Q(expires_at=None),
        }
        return queryset.filter(wanted.get(self.value() or "", Q()))


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    """Tokens of everybody: revoking is all that an administrator does to them."""

    list_display = (
        "prefix",
        "name",
        "user",
        "scope",
        "of_project",
        "created_at",
        "expires_at",
        "last_used_at",
        "last_used_from",
    )
    list_filter = ("scope", ExpiryFilter, ("membership", admin.EmptyFieldListFilter))
    list_select_related = ("user", "membership__project")
    search_fields = ("prefix", "name", "user__username", "membership__project__name")
    fields = readonly_fields = (
        "user",
        "name",
        "scope",
        "of_project",
        "prefix",
        "created_at",
        "rotated_at",
        "expires_at",
        "old_until",
        "last_used_at",
        "last_used_from",
        "used_from",
    )

    @admin.display(description="project", ordering="membership__project__name", empty_value="–")
    def of_project(self, token: ApiToken) -> Project | None:
        """The only one that it opens."""
        return token.project

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The text of a token is for its owner only."""
        return False

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        """Revoke one."""
        assert isinstance(request.user, User)
        token_delete(actor=request.user, token=obj)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[ApiToken]") -> None:
        """Revoke many at once."""
        for token in queryset.select_related("user", "membership__project"):
            self.delete_model(request, token)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what."""

    list_display = ("at", "actor", "verb", "target", "project")
    list_filter = ("verb",)
    search_fields = ("target", "actor__username")
    date_hierarchy = "at"
    list_select_related = ("actor", "project")
