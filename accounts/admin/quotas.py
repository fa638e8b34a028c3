"""Quotas of many at once, from the lists of people and of projects."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.models import Project, Quota, Resource, User
from accounts.services.quotas import quota_check, quota_clear, quota_set, quotas_raise
from mlplatform.http.admin import ModelAdmin
from mlplatform.http.forms import show_error
from mlplatform.kernel.errors import PlatformError

APPLY = "apply"
SET, RAISE, CLEAR = "set", "raise", "clear"


def backend_choices() -> list[tuple[str, str]]:
    """For a form; empty for all together."""
    return [("", "All backends together"), *((name, name) for name in settings.BACKENDS)]


class BulkForm(forms.Form):
    """What to do with the selected ones."""

    act = forms.ChoiceField(
        choices=[
            (SET, "Set these values"),
            (RAISE, "Raise by per cent"),
            (CLEAR, "Clear: the default applies"),
        ],
        widget=forms.RadioSelect,
        initial=SET,
        label="What to do",
    )
    soft = forms.FloatField(required=False, help_text="From here on people are warned. Empty: no warning.")
    hard = forms.FloatField(required=False, help_text="Nothing more starts beyond it. Empty: no limit.")
    percent = forms.FloatField(
        required=False, help_text="To raise by, such as 50; -20 lowers. Whole numbers stay whole."
    )

    def clean(self) -> dict[str, Any]:
        """What the choice needs."""
        given = super().clean() or {}
        if given.get("act") == RAISE and given.get("percent") is None and "percent" not in self.errors:
            self.add_error("percent", "By how much? Give per cent, such as 50.")
        return given


class HoldersForm(BulkForm):
    """The same for people or projects, of which one resource is meant."""

    resource = forms.ChoiceField(choices=Resource.choices)
    backend = forms.ChoiceField(choices=backend_choices, required=False)
    field_order = ("resource", "backend", "act", "soft", "hard", "percent")


@admin.action(description="Set, raise or clear a quota of the selected…", permissions=["change"])
def change_quotas(owner: ModelAdmin, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
    """Of people or of projects; asks first which and how."""
    form = HoldersForm(request.POST if APPLY in request.POST else None)
    if form.is_valid():
        try:
            done = holders_change(request.user, rows, form.cleaned_data)
        except PlatformError as error:
            show_error(error, form)
        else:
            owner.message_user(request, f"{done} of {rows.count()} changed.", messages.SUCCESS)
            return None
    return asked(owner, request, rows, form, "change_quotas")


@transaction.atomic
def holders_change(actor: Any, rows: "QuerySet[Any]", given: dict[str, Any]) -> int:
    """All or none."""
    place: dict[str, Any] = {"resource": given["resource"], "backend": given["backend"]}
    if given["act"] == SET:
        for row in rows:
            quota_set(actor=actor, soft=given["soft"], hard=given["hard"], **place, **_holder(row))
        return len(rows)
    quota_check(Quota(scope="project", **place))
    scope = "project" if rows.model is Project else "user"
    quotas = Quota.objects.filter(scope=scope, **place, **{f"{scope}__in": rows})
    return quotas_change(actor, quotas.select_related("project", "user"), given)


@transaction.atomic
def quotas_change(actor: Any, quotas: "QuerySet[Quota]", given: dict[str, Any]) -> int:
    """Of quotas that there are. Returns how many."""
    found = list(quotas)
    match given["act"]:
        case "clear":
            for quota in found:
                quota_clear(actor=actor, quota=quota)
        case "raise":
            return quotas_raise(actor=actor, quotas=found, percent=given["percent"])
        case _:
            for quota in found:
                names = ("scope", "resource", "project", "user", "backend")
                place: dict[str, Any] = {name: getattr(quota, name) for name in names}
                quota_set(actor=actor, soft=given["soft"], hard=given["hard"], **place)
    return len(found)


def asked(
    owner: ModelAdmin, request: HttpRequest, rows: "QuerySet[Any]", form: forms.Form, action: str
) -> HttpResponse:
    """The page between the list and the change."""
    context = {
        **owner.admin_site.each_context(request),
        "title": "Change quotas",
        "opts": owner.opts,
        "rows": list(rows[:50]),
        "count": rows.count(),
        "selected": list(rows.values_list("pk", flat=True)),
        "form": form,
        "action": action,
        "apply": APPLY,
        "media": owner.media + form.media,
    }
    return TemplateResponse(request, "admin/change_quotas.html", context)


def _holder(row: Project | User) -> dict[str, Any]:
    if isinstance(row, Project):
        return {"scope": "project", "project": row}
    return {"scope": "user", "user": row}
