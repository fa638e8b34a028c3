"""Administration of invitations: administrators invite people to the portal here."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from accounts.admin.access import caller
from accounts.models import Invitation
from accounts.permissions import is_site_admin
from accounts.services.invitations import (
    DEFAULT_DAYS,
    MAX_DAYS,
    MAX_USES,
    invitation_create,
    invitation_link,
    invitation_revoke,
    invitation_send,
)
from mlplatform.http.admin import ModelAdmin

if TYPE_CHECKING:
    from django.db.models import QuerySet


class InvitationForm(forms.ModelForm):  # type: ignore[type-arg]  # as the bases of mlplatform.http.admin
    """An invitation to the portal alone."""

    days = forms.IntegerField(label="Valid for days", min_value=1, max_value=MAX_DAYS, initial=DEFAULT_DAYS)
    max_uses = forms.IntegerField(label="For how many people", min_value=1, max_value=MAX_USES, initial=1)

    def clean(self) -> dict[str, Any]:
        """What the service would refuse."""
        given = super().clean() or {}
        if given.get("email") and given.get("max_uses", 1) != 1:
            self.add_error("max_uses", "An invitation to one address is for one person.")
        return given


@admin.register(Invitation)
class InvitationAdmin(ModelAdmin):
    """Inviting people to the portal; and who was invited, also into projects."""

    list_display = (
        "prefix",
        "project",
        "role",
        "email",
        "created_by",
        "uses",
        "max_uses",
        "expires_at",
        "revoked_at",
    )
    list_filter = (("project", admin.EmptyFieldListFilter), ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("prefix", "email", "project__name", "created_by__username")
    list_select_related = ("project", "created_by")
    date_hierarchy = "created_at"
    exclude = ("digest",)
    actions = ("revoke",)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:  # Django's
        """A new one takes three answers."""
        if obj is None:
            options |= {"form": InvitationForm, "fields": ("email", "days", "max_uses")}
        return super().get_form(request, obj, change, **options)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """See Django."""
        return ("email", "days", "max_uses") if obj is None else super().get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Into a project its owners invite, on its page."""
        return is_site_admin(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: one that is wrong is revoked."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: it says who came in by whom."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # Django's
        """Make it, with its secret, which is shown by the answer to this request only."""
        made, text = invitation_create(user=caller(request), project=None, **form.cleaned_data)
        obj.pk, obj.prefix = made.pk, made.prefix
        obj.link = invitation_link(text)
        obj.is_sent = invitation_send(invitation=made, text=text)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The link, once."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Invitation",
            "invitation": obj,
            "opts": self.opts,
        }
        response = render(request, "admin/accounts/invitation/made.html", context)
        add_never_cache_headers(response)
        return response

    @admin.action(description="Revoke the selected invitations", permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: "QuerySet[Invitation]") -> None:
        """Nobody comes in by them any more."""
        found = list(queryset.filter(revoked_at=None).select_related("project"))
        for each in found:
            invitation_revoke(user=caller(request), project=each.project, invitation_id=each.pk)
        self.message_user(request, f"{len(found)} revoked.")
