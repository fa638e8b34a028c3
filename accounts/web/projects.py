"""Creating a project, and its settings."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.selectors.projects import project_get
from accounts.services.projects import project_create, project_update
from accounts.web.access import SignedInRequest, rights, signed_in
from accounts.web.forms import ProjectForm
from accounts.web.once import once
from mlplatform.http.forms import show_error
from mlplatform.kernel.errors import InvalidInput


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@once
def create(request: SignedInRequest) -> HttpResponse:
    """The form, and what it makes."""
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            project = project_create(user=request.user, **form.cleaned_data)
        except InvalidInput as error:
            show_error(error, form)
        else:
            messages.success(request, f"The project {project.name} is ready.")
            return redirect(project)
    return render(request, "accounts/project_form.html", {"form": form}, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def settings(request: SignedInRequest, slug: str) -> HttpResponse:
    """Name and description."""
    found = project_get(request.user, slug, "manage")
    begin = {"name": found.name, "description": found.description}
    form = ProjectForm(request.POST if request.method == "POST" else None, initial=begin)
    # The page has more to read than the form.
    form.fields["name"].widget.attrs.pop("autofocus")
    if form.is_bound and form.is_valid():
        try:
            project_update(user=request.user, project=found, **form.cleaned_data)
        except InvalidInput as error:
            show_error(error, form)
        else:
            messages.success(request, "The settings are saved.")
            return redirect("project_settings", found.slug)
    context = {"project": found, "form": form, **rights(request.user, found)}
    return render(request, "accounts/project_settings.html", context, status=400 if form.errors else 200)
