"""Administration of users and tokens; the audit trail is read only. Projects and invitations have their own modules."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

# Django finds this module; these register by being imported.
from accounts import invitation_admin, project_admin  # noqa: F401
from accounts.access_admin import AccessAdmin
from accounts.models import ApiToken, AuditEvent, Project, User
from mlplatform.http.admin import ReadOnlyAdmin


@admin.register(User)
class PersonAdmin(AccessAdmin, UserAdmin):  # type: ignore[type-arg]
    """People. An administrator may add one without an e-mail address."""

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
        projects = f" Projects: {', '.join(made[:5])}{' and more' if len(made) > 5 else ''}." if made else ""
        words = (
            f"{person} has made projects, experiments or code, which keep their author, so the account cannot be "
            f"deleted.{projects} Deactivate it instead: nobody can sign in with it, and what it made stays. Or delete "
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
