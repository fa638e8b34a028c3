"""Checkpoints on the page of a run, and each as a file."""

from dataclasses import dataclass
from typing import Any

from django.http import StreamingHttpResponse
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Run
from experiments.selectors.checkpoints import (
    CheckpointLine,
    checkpoint_lines,
    checkpoint_size,
    checkpoint_zip,
)
from experiments.selectors.runs import run_get
from mlplatform.http.downloads import download
from mlplatform.kernel.errors import NotFound

# The newest ones; a policy may keep thousands.
MAX_LINES = 50
MAX_METRICS = 6


@dataclass(frozen=True)
class CheckpointRow:
    """A checkpoint as the page shows it; `metrics` are others than the objective."""

    line: CheckpointLine
    size: int | None
    metrics: list[tuple[str, Any]]


@dataclass(frozen=True)
class Checkpoints:
    """The newest ones, newest first, and how many there are besides."""

    rows: list[CheckpointRow]
    left_out: int


def checkpoints_shown(run: Run) -> Checkpoints:
    """For the run's page. Two queries."""
    lines = checkpoint_lines(run)
    rows = [
        CheckpointRow(line, checkpoint_size(run, line.checkpoint), _metrics(run, line))
        for line in lines[:MAX_LINES]
    ]
    return Checkpoints(rows, len(lines) - len(rows))


@require_safe
@signed_in
def checkpoint(
    request: SignedInRequest, project: str, slug: str, number: int, pk: int
) -> StreamingHttpResponse:
    """A checkpoint's folder as a zip, made while it is sent."""
    run = run_get(request.user, project, slug, number)
    found = run.checkpoints.filter(pk=pk).first()
    if found is None:
        raise NotFound(f"Run #{number} has no such checkpoint any more; its policy may have dropped it.")
    filename = f"{slug}-{number}-step-{found.step}.zip"
    return download(checkpoint_zip(run, found), filename=filename, content_type="application/zip")


def _metrics(run: Run, line: CheckpointLine) -> list[tuple[str, Any]]:
    given = line.checkpoint.metrics
    names = sorted(name for name in given if name != run.experiment.objective_metric)
    return [(name, given[name]) for name in names[:MAX_METRICS]]
