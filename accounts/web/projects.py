"""Creating a project."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.services.projects import project_create
from accounts.web.access import SignedInRequest, signed_in
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
