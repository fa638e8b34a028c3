"""Administration of how people sign in: second factors, identities, sessions, and mail that nobody could send."""

from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest

from accounts.admin.access import caller
from accounts.models import KeptMail
from accounts.permissions import is_site_admin
from accounts.services.access import access_changed
from accounts.services.sign_in import request_audit
from mlplatform.http.admin import ReadOnlyAdmin

if TYPE_CHECKING:
    from django.db.models import QuerySet

# allauth's own pages would show secrets, change what only an issuer may say, or end a session on paper only.
for model in (Authenticator, SocialApp, SocialToken, SocialAccount, UserSession):
    admin.site.unregister(model)


class RemovableAdmin(ReadOnlyAdmin):
    """Rows that an administrator looks at and removes, for somebody who asks for it."""

    search_fields = ("user__username", "user__email")
    list_select_related = ("user",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who may do everything."""
        return is_site_admin(request.user)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """One, and whoever is signed in by it is asked again."""
        super().delete_model(request, obj)
        access_changed()

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        """Many, as if each were removed by itself."""
        for row in queryset:
            self.delete_model(request, row)


@admin.register(Authenticator)
class AuthenticatorAdmin(RemovableAdmin):
    """Second factors: removing one lets somebody in who has lost it. What it keeps is nobody's business."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    fields = ("user", "type", "created_at", "last_used_at")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """With its row in the audit."""
        request_audit(request, caller(request), "second_factor.remove", obj.user.username, factor=obj.type)
        super().delete_model(request, obj)


@admin.register(SocialAccount)
class SocialAccountAdmin(RemovableAdmin):
    """Accounts at the identity provider that open one here."""

    list_display = ("user", "provider", "uid", "last_login")
    fields = ("user", "provider", "uid", "last_login", "date_joined")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """With its row in the audit."""
        request_audit(request, caller(request), "identity.remove", obj.user.username, uid=obj.uid)
        super().delete_model(request, obj)


@admin.register(UserSession)
class UserSessionAdmin(RemovableAdmin):
    """Who is signed in where. Removing a row signs that browser out."""

    list_display = ("user", "ip", "user_agent", "created_at", "last_seen_at")
    fields = ("user", "ip", "user_agent", "created_at", "last_seen_at")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """The session itself, not only the row about it."""
        request_audit(request, caller(request), "session.end", obj.user.username)
        obj.end()
        access_changed()


@admin.register(KeptMail)
class KeptMailAdmin(ReadOnlyAdmin):
    """Mail that a portal without a mail server kept: to pass links on to those who asked for them."""

    list_display = ("at", "to", "subject")
    search_fields = ("to", "subject")
    date_hierarchy = "at"

    def has_module_permission(self, request: HttpRequest) -> bool:
        """With a mail server there is nothing to see."""
        return settings.EMAIL_BACKEND.endswith("KeptBackend") and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Links in mail open accounts: for those who may open them anyway."""
        return is_site_admin(request.user)
