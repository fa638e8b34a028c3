"""Tagging a run on its own page; several at a time are tagged above their table."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.web.access import SignedInRequest, signed_in
from experiments.selectors.runs import run_get
from experiments.services.tags import runs_tag, tag_parse
from mlplatform.kernel.errors import InvalidInput


@require_POST
@signed_in
def tag(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """Set the tag that is sent as `name=value`, or take it away with `name=`."""
    found = run_get(request.user, project, slug, number, "control")
    try:
        tags = tag_parse(request.POST.get("tag", ""))
        runs_tag(user=request.user, experiment=found.experiment, numbers=[number], tags=tags)
    except InvalidInput as error:
        messages.error(request, error.message)
    return redirect(found)
