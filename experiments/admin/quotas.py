"""Quotas, with how much of them is used: here and not with the accounts, for only this app can count runs and bytes."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.admin.quotas import APPLY, BulkForm, asked, backend_choices, quotas_change
from accounts.models import AuditEvent, Quota
from accounts.permissions import is_site_admin
from accounts.services.quotas import quota_check, quota_clear, quota_set
from experiments.selectors.quota_uses import quota_uses
from mlplatform.http.admin import ModelAdmin
from mlplatform.http.forms import show_error
from mlplatform.http.templatetags import number
from mlplatform.kernel.errors import InvalidInput, PlatformError

PLACE = ("scope", "project", "user", "backend", "resource")
TRAIL = 50


class QuotaForm(forms.ModelForm):  # type: ignore[type-arg]  # takes arguments only for the type checker
    """Says what is wrong and what to do, at the field."""

    class Meta:
        model = Quota
        fields = (*PLACE, "soft", "hard")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "backend" in self.fields:
            self.fields["backend"] = forms.ChoiceField(choices=backend_choices, required=False)
        for name, words in HELP.items():
            if name in self.fields:
                self.fields[name].help_text = words

    def clean(self) -> dict[str, Any]:
        """As the service would."""
        given = super().clean() or {}
        if not self.errors:
            wanted = {name: getattr(self.instance, name) for name in PLACE} | given
            try:
                quota_check(Quota(**wanted))
            except InvalidInput as error:
                field = error.field if error.field in self.fields else None
                raise ValidationError({field: error.message} if field else error.message) from None
        return given


HELP = {
    "scope": "Whose use is counted. All quotas that apply must hold.",
    "project": "Empty: every project that has no such quota of its own.",
    "user": "Empty: every person who has no such quota of their own; in a project, each of its members.",
    "soft": "People are warned from here on. Empty: never. Storage and memory are in GiB.",
    "hard": "Nothing more starts beyond it. Empty: no limit, whatever the default says.",
}


class QuotaChangeList(ChangeList):
    """Rows of a page know how much of them is used."""

    def get_results(self, request: HttpRequest) -> None:
        """See Django."""
        super().get_results(request)
        rows = list(self.result_list)
        found = quota_uses(rows)
        for row in rows:
            row.use = found[row.pk]
        self.result_list = rows


class LevelFilter(admin.SimpleListFilter):
    """Those that somebody is near the end of."""

    title = "use"
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """See Django."""
        return [("soft", "near the limit or used up"), ("hard", "used up")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """See Django."""
        if self.value() not in ("soft", "hard"):
            return queryset
        levels = {"hard"} if self.value() == "hard" else {"soft", "hard"}
        uses = quota_uses(list(queryset))
        return queryset.filter(
            pk__in=[pk for pk, use in uses.items() if use.line and use.line.level in levels]
        )


class DefaultFilter(admin.SimpleListFilter):
    """Defaults, or of somebody."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """See Django."""
        return [("default", "defaults"), ("named", "of somebody")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """See Django."""
        defaults = queryset.filter(scope__in=["project", "user"], project=None, user=None)
        if self.value() == "default":
            return defaults
        return queryset.exclude(pk__in=defaults.values("pk")) if self.value() == "named" else queryset


@admin.register(Quota)
class QuotaAdmin(ModelAdmin):
    """Who may use how much, and does."""

    form = QuotaForm
    change_form_template = "admin/quota_form.html"
    fields = (*PLACE, "soft", "hard")
    list_display = ("whose", "resource", "used", "warned_at", "limit", "changed_at")
    list_filter = (LevelFilter, DefaultFilter, "scope", "resource", "backend")
    search_fields = ("project__name", "project__slug", "user__username", "backend")
    list_select_related = ("project", "user")
    autocomplete_fields = ("project", "user")
    actions = ["change_selected"]
    list_per_page = 50

    class Media:
        css = {"all": ("app/css/admin.css",)}

    @admin.display(description="Whose", ordering="scope")
    def whose(self, quota: Quota) -> str:
        """In words."""
        words = quota.holder
        return words[:1].upper() + words[1:]

    @admin.display(description="Used")
    def used(self, quota: Any) -> SafeString:
        """As a bar."""
        return render_to_string("admin/quota_use.html", {"use": quota.use})

    @admin.display(description="Soft", ordering="soft")
    def warned_at(self, quota: Quota) -> str:
        """As short as it goes."""
        return number(quota.soft)

    @admin.display(description="Hard", ordering="hard")
    def limit(self, quota: Quota) -> str:
        """None is no limit."""
        return "no limit" if quota.hard is None else number(quota.hard)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """See Django."""
        return QuotaChangeList

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Whose it is and of what stays; another one is another quota."""
        return PLACE if obj else ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Administrators only, as everywhere."""
        return self._is_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """See above."""
        return self._is_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """See above."""
        return self._is_admin(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """See above."""
        return self._is_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """See above."""
        return self._is_admin(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """By the service, which keeps the trail."""
        place = {name: getattr(obj, name) for name in PLACE}
        saved = quota_set(actor=request.user, soft=obj.soft, hard=obj.hard, **place)  # type: ignore[arg-type]
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """By the service."""
        quota_clear(actor=request.user, quota=obj)  # type: ignore[arg-type]

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        """By the service."""
        quotas_change(request.user, queryset, {"act": "clear"})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With its use and its history."""
        quota = self.get_object(request, object_id)
        more: dict[str, Any] = {"show_save_and_add_another": False}
        if quota:
            events = AuditEvent.objects.filter(verb__startswith="quota.", detail__key=quota.key)
            more |= {
                "use": quota_uses([quota])[quota.pk],
                "trail": events.order_by("-id")[:TRAIL],
            }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | more)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The audit trail, which also knows of changes by REST."""
        return HttpResponseRedirect(f"{reverse('admin:accounts_quota_change', args=[object_id])}#trail")

    @admin.action(description="Set, raise or clear the selected quotas…", permissions=["change"])
    def change_selected(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        """Asks first how."""
        form = BulkForm(request.POST if APPLY in request.POST else None)
        if form.is_valid():
            try:
                done = quotas_change(request.user, rows, form.cleaned_data)
            except PlatformError as error:
                show_error(error, form)
            else:
                self.message_user(request, f"{done} of the selected quotas changed.", messages.SUCCESS)
                return None
        return asked(self, request, rows, form, "change_selected")

    def _is_admin(self, request: HttpRequest) -> bool:
        return is_site_admin(request.user)
