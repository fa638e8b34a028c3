"""What a run left in the tracker: a part of its page that comes by itself, and each file as a download."""

import posixpath
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.selectors.artifacts import artifact, artifacts
from experiments.selectors.runs import run_get
from experiments.tracking.port import TrackingRejected, TrackingUnavailable
from mlplatform.http.downloads import download
from mlplatform.http.pages import render_page


@require_safe
@signed_in
def listed(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """The files of its model. Where the tracker is away, it says so and the rest of the page does not wait."""
    run = run_get(request.user, project, slug, number)
    context: dict[str, Any] = {"project": run.experiment.project, "experiment": run.experiment, "run": run}
    try:
        files = artifacts(run)
    except (TrackingUnavailable, TrackingRejected) as error:
        context["trouble"] = error.message
    else:
        context |= {"files": files, "size": sum(file.size for file in files)}
    return render_page(request, "experiments/artifacts.html", context, fragment="run-artifacts")


@require_safe
@signed_in
def file(request: SignedInRequest, project: str, slug: str, number: int, path: str) -> StreamingHttpResponse:
    """One file, streamed through the portal: browsers do not reach the tracker, and it knows no permissions."""
    run = run_get(request.user, project, slug, number)
    parts = artifact(run, path)
    return download(parts, filename=posixpath.basename(path), content_type="application/octet-stream")
