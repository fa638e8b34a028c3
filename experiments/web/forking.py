"""New runs that begin at a checkpoint of another one."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.web.access import SignedInRequest, signed_in
from accounts.web.once import once
from experiments.models import Run
from experiments.selectors.checkpoints import (
    CheckpointLine,
    checkpoint_lines,
    checkpoint_to_resume,
    nothing_left,
)
from experiments.selectors.runs import run_get
from experiments.services.forking import run_continue, run_fork
from experiments.states import RunState
from experiments.web.forms import ParameterForm
from mlplatform.http.forms import show_error
from mlplatform.http.templatetags import number as shown
from mlplatform.kernel.errors import Conflict, InvalidInput

FORM_METHODS = ["GET", "HEAD", "POST"]


class CheckpointForm(forms.Form):
    """Where to begin."""

    checkpoint = forms.TypedChoiceField(coerce=int, label="Begin at")

    def __init__(
        self, data: Mapping[str, Any] | None, lines: list[CheckpointLine], chosen: str, length: int | None
    ) -> None:
        super().__init__(data, initial={"checkpoint": chosen})
        self.fields["checkpoint"].choices = [  # type: ignore[attr-defined]  # of a ChoiceField
            (line.checkpoint.pk, _words(line, length)) for line in lines
        ]


class ContinueForm(forms.Form):
    """How much more."""

    more = forms.IntegerField(
        min_value=1, label="More reports", help_text="Epochs, most often; on top of what it has made."
    )


@require_http_methods(FORM_METHODS)
@signed_in
@once
def fork(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """A run from one of its checkpoints (`?checkpoint=`, by default where the run would resume), with other values."""
    found = run_get(request.user, project, slug, number, "launch")
    lines = checkpoint_lines(found)
    data = request.POST if request.method == "POST" else None
    chosen = request.GET.get("checkpoint") or _default(found)
    form = CheckpointForm(data, lines, chosen, found.progress_total)
    params = ParameterForm(found.experiment.declared, data, found.params)
    valid = [one.is_valid() for one in (form, params)] if data is not None else [False]
    if all(valid):
        try:
            made = run_fork(
                user=request.user,
                run=found,
                checkpoint=form.cleaned_data["checkpoint"],
                params=_one_set(params),
            )
        except InvalidInput as error:
            show_error(error, form, params)
        else:
            messages.success(request, f"Run #{made.number} begins where run #{found.number} was.")
            return redirect(made)
    notice = "" if form.is_bound else _notice(found, lines, chosen)
    context = {**_place(found), "form": form, "params": params, "checkpoints": lines, "notice": notice}
    status = 400 if form.errors or params.errors else 200
    return render(request, "experiments/run_fork.html", context, status=status)


@require_http_methods(FORM_METHODS)
@signed_in
@once
def train_further(request: SignedInRequest, project: str, slug: str, number: int) -> HttpResponse:
    """A completed run for more reports."""
    found = run_get(request.user, project, slug, number, "launch")
    form = ContinueForm(
        request.POST if request.method == "POST" else None, initial={"more": found.progress_total or 1}
    )
    if form.is_bound and form.is_valid():
        try:
            made = run_continue(user=request.user, run=found, **form.cleaned_data)
        except InvalidInput as error:
            show_error(error, form)
        except Conflict as error:
            messages.error(request, error.message)
            return redirect(found)
        else:
            messages.success(request, f"Run #{made.number} goes on where run #{found.number} ended.")
            return redirect(made)
    context = {**_place(found), "form": form}
    return render(request, "experiments/run_continue.html", context, status=400 if form.errors else 200)


def can_continue(run: Run) -> bool:
    """Whether the run is over in good order and a parameter says how long it was."""
    return run.state == RunState.COMPLETED and run.experiment.progress in run.params


def _default(run: Run) -> str:
    checkpoint = checkpoint_to_resume(run)
    return str(checkpoint.pk) if checkpoint else ""


def _one_set(params: ParameterForm) -> dict[str, Any]:
    several = [name for name, found in params.domains.items() if found.count != 1]
    if several:
        raise InvalidInput("A fork is one run, so this needs one value.", field=several[0])
    (only,) = params.sets()
    return only


def _place(run: Run) -> dict[str, Any]:
    return {"project": run.experiment.project, "experiment": run.experiment, "run": run}


def _notice(run: Run, lines: list[CheckpointLine], chosen: str) -> str:
    """Why the form as it is first shown would make a run with nothing to do."""
    begins = next((line for line in lines if str(line.checkpoint.pk) == chosen), lines[0] if lines else None)
    return nothing_left(run, begins.checkpoint, run.params) if begins else ""


def _words(line: CheckpointLine, length: int | None) -> str:
    step = line.checkpoint.step
    total = f" of {length}" if length and step <= length else ""
    objective = "" if line.objective is None else f", {shown(line.objective)}"
    return f"step {step}{total}{objective} ({', '.join(line.reasons) or 'kept'})"
