"""Tagging a run on its own page; several at a time are tagged above their table."""

from collections.abc import Collection

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Experiment
from experiments.selectors.runs import run_get
from experiments.services.control import Outcome
from experiments.services.tags import runs_tag, tag_parse
from mlplatform.kernel.errors import InvalidInput


@require_POST
@signed_in
def tag(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """Set the tag that is sent as `name=value`, or take it away with `name=`."""
    found = run_get(request.user, project, slug, number, "control")
    tag_sent(request, found.experiment, [number])
    return redirect(found)


def tag_sent(request: SignedInRequest, experiment: Experiment, numbers: Collection[int]) -> Outcome | None:
    """Give these runs the tag that was sent; if it is none, say so."""
    try:
        tags = tag_parse(request.POST.get("tag", ""))
        return runs_tag(user=request.user, experiment=experiment, numbers=numbers, tags=tags)
    except InvalidInput as error:
        messages.error(request, error.message)
        return None
