"""The page of a model version."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.selectors.overview import model_version_get, model_versions
from mlplatform.http.pages import render_page


@require_safe
@signed_in
def model_version(request: SignedInRequest, project: str, name: str, version: int) -> HttpResponse:
    """Where a model comes from and how to load it."""
    found = model_version_get(request.user, project, name, version)
    context = {
        "project": found.project,
        "experiment": found.run.experiment,
        "run": found.run,
        "version": found,
        "versions": model_versions(found.project).filter(name=name).order_by("-version"),
        "metrics": found.run.metrics.all(),
        "snippet": f'import mlflow\n\nmodel = mlflow.pytorch.load_model("models:/{found.name}/{found.version}")',
    }
    return render_page(request, "experiments/model_version.html", context)
