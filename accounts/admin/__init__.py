"""Administration of users and tokens; the audit trail is read only. Projects and invitations have their own modules."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

# Django finds this package; these register by being imported.
from accounts.admin import invitations, projects, sign_in  # noqa: F401
from accounts.admin.access import AccessAdmin
from accounts.admin.quotas import change_quotas
from accounts.models import ApiToken, AuditEvent, Project, User
from accounts.services.tokens import token_delete
from mlplatform.http.admin import ModelAdmin, ReadOnlyAdmin
from mlplatform.kernel import clock


@admin.register(User)
class PersonAdmin(AccessAdmin, UserAdmin):  # type: ignore[type-arg]
    """People. An administrator may add one without an e-mail address."""

    actions = [change_quotas]

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Who made something stays as its author; say so instead of listing rows."""
        person = self.get_object(request, object_id)
        made = (
            list(Project.objects.filter(created_by=person).values_list("slug", flat=True)) if person else []
        )
        if person is None or not self.get_deleted_objects([person], request)[3]:
            return super().delete_view(request, object_id, extra_context)
        named = f" Projects: {', '.join(made[:5])}{' and more' if len(made) > 5 else ''}." if made else ""
        words = (
            f"{person} has made projects, experiments or code, which keep their author, so the account cannot be "
            f"deleted.{named} Deactivate it instead: nobody can sign in with it, and what it made stays. Or delete "
            "these projects first, on their settings pages."
        )
        self.message_user(request, words, messages.ERROR)
        return redirect("admin:accounts_user_change", object_id)

    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "email", "usable_password", "password1", "password2"),
            },
        ),
    )


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

    list_display = ("at", "actor_name", "address", "verb", "target", "project_slug")
    list_filter = ("verb",)
    search_fields = ("target", "actor_name", "project_slug", "address")
    date_hierarchy = "at"
