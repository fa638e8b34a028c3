"""Archiving and deleting a project, and how far a deletion is."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.selectors.deletions import deletion_get
from accounts.selectors.projects import project_get
from accounts.services.closing import project_delete, project_unarchive
from accounts.web.access import SignedInRequest, rights, signed_in
from accounts.web.forms import DeletionForm
from experiments.selectors.contents import project_contents
from experiments.services.closing import project_close
from mlplatform.http.forms import show_error
from mlplatform.http.pages import render_page
from mlplatform.kernel.errors import Conflict, InvalidInput


@require_POST
@signed_in
def archive(request: SignedInRequest, slug: str) -> HttpResponse:
    """Readable from now on, and nothing else."""
    found = project_get(request.user, slug, "manage")
    try:
        project_close(user=request.user, project=found)
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{found.name} is archived.")
    return redirect("project_settings", slug)


@require_POST
@signed_in
def unarchive(request: SignedInRequest, slug: str) -> HttpResponse:
    """Open again."""
    found = project_get(request.user, slug, "manage")
    try:
        project_unarchive(user=request.user, project=found)
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{found.name} is in use again.")
    return redirect("project_settings", slug)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def delete(request: SignedInRequest, slug: str) -> HttpResponse:
    """What goes with it; typing its slug deletes it."""
    found = project_get(request.user, slug, "manage")
    form = DeletionForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            deletion = project_delete(user=request.user, project=found, **form.cleaned_data)
        except InvalidInput as error:
            show_error(error, form)
        else:
            return redirect(deletion)
    context = {
        "project": found,
        "form": form,
        "contents": project_contents(found),
        **rights(request.user, found),
    }
    return render(request, "experiments/project_delete.html", context, status=400 if form.errors else 200)


@require_safe
@signed_in
def deletion(request: SignedInRequest, pk: int) -> HttpResponse:
    """How far the deletion of a project is, and what it has freed; for whoever deleted it."""
    context = {"deletion": deletion_get(request.user, pk)}
    return render_page(request, "experiments/project_deletion.html", context, fragment="deletion")
