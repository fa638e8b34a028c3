"""API tokens: my own, those of a project, and a new text for one."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import ApiToken, Project
from accounts.selectors.projects import project_get
from accounts.selectors.tokens import project_token_list, token_get, token_list
from accounts.services.tokens import project_token_revoke, token_create, token_revoke, token_rotate
from accounts.web.access import SignedInRequest, rights, signed_in
from accounts.web.token_forms import ProjectTokenForm, RotateForm, TokenForm
from mlplatform.http.forms import show_error
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict, Forbidden, InvalidInput


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def tokens(request: SignedInRequest) -> HttpResponse:
    """List and create. The text of a new token is in this one answer only, so there is no redirect after the POST."""
    form, created = _create(request, TokenForm)
    return _page(request, "accounts/tokens.html", form, created, token_list(request.user))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def project_tokens(request: SignedInRequest, slug: str) -> HttpResponse:
    """The same of a project, for its owners."""
    project = project_get(request.user, slug, "manage")
    form, created = _create(request, ProjectTokenForm, project)
    rows = project_token_list(request.user, project)
    more = {"project": project, **rights(request.user, project)}
    return _page(request, "accounts/project_tokens.html", form, created, rows, **more)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def rotate(request: SignedInRequest, token_id: int) -> HttpResponse:
    """A new text for one of my tokens, in this one answer only."""
    token = token_get(request.user, token_id)
    form = RotateForm(request.POST if request.method == "POST" else None)
    created = ""
    if form.is_bound and form.is_valid():
        token, created = token_rotate(user=request.user, token_id=token_id, **form.cleaned_data)
    context = {"token": token, "form": form, "created": created, "back": reverse("tokens")}
    return render(request, "accounts/token_rotate.html", context, status=400 if form.errors else 200)


@require_POST
@signed_in
def revoke(request: SignedInRequest, token_id: int) -> HttpResponse:
    """Delete one."""
    token_revoke(user=request.user, token_id=token_id)
    messages.success(request, "The token is revoked.")
    return redirect("tokens")


@require_POST
@signed_in
def project_revoke(request: SignedInRequest, slug: str, token_id: int) -> HttpResponse:
    """Delete one of a project, whoever made it."""
    project = project_get(request.user, slug, "manage")
    project_token_revoke(user=request.user, project=project, token_id=token_id)
    messages.success(request, "The token is revoked.")
    return redirect("project_tokens", project.slug)


def _create(
    request: SignedInRequest, kind: type[TokenForm], project: Project | None = None
) -> tuple[TokenForm, str]:
    """The form to show, and the text of the token that was made."""
    form = kind(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            _, text = token_create(user=request.user, project=project, **form.cleaned_data)
        except (InvalidInput, Conflict, Forbidden) as error:
            show_error(error, form)
        else:
            return kind(), text
    return form, ""


def _page(
    request: SignedInRequest,
    template: str,
    form: TokenForm,
    created: str,
    rows: "QuerySet[ApiToken]",
    **more: Any,
) -> HttpResponse:
    context = {
        "form": form,
        "created": created,
        "tokens": rows,
        "portal_url": settings.PORTAL_URL,
        "now": clock.now(),
        **more,
    }
    return render(request, template, context, status=400 if form.errors else 200)
