"""How an experiment ended: on its page, and for a page in the background that asks."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Checkpoint, Experiment, RunMetric
from experiments.selectors.experiments import experiment_get
from experiments.selectors.overview import run_counts
from experiments.selectors.runs import best_objective
from experiments.states import ExperimentState, RunState
from experiments.web.words import counted
from mlplatform.http.templatetags import number

MOST_PARAMS = 8


@dataclass(frozen=True)
class Outcome:
    """`title` of a banner, in one sentence with the experiment's name `words`. `params` are those of the best run."""

    title: str
    words: str
    params: list[tuple[str, Any]]
    can_fork: bool
    failed: int | None


def outcome_of(experiment: Experiment, best: RunMetric | None, failed: int) -> Outcome | None:
    """None while it goes on. `best`: the objective of the best run. One query if there is a best run."""
    name = experiment.name
    if experiment.state == ExperimentState.CANCELED:
        return Outcome("", f"{name} was canceled.", [], can_fork=False, failed=None)
    if experiment.state != ExperimentState.COMPLETED:
        return None
    if best is not None:
        run, value = best.run, getattr(best, experiment.objective_field)
        said = f"{experiment.objective_metric} {number(value)} in run #{run.number}"
        can_fork = Checkpoint.objects.filter(run=run).exists()
        params = run.listed_params[:MOST_PARAMS]
        return Outcome("The best run", f"{name} has finished: {said}.", params, can_fork, failed=None)
    if failed:
        first = (
            experiment.runs.filter(state=RunState.FAILED).order_by("number").values_list("number", flat=True)
        )
        said = f"{counted(failed, 'run')} failed"
        return Outcome(
            f"Nothing came of it: {said}", f"{name} has finished: {said}.", [], False, first.first()
        )
    return Outcome("", f"{name} has finished.", [], can_fork=False, failed=None)


def best_value(experiment: Experiment, best: RunMetric | None) -> dict[str, float | int | None]:
    """The best value of the objective, and the step that reached it."""
    if best is None:
        return {}
    field = experiment.objective_field
    return {"objective": getattr(best, field), "objective_step": getattr(best, f"{field}_step")}


@require_safe
@signed_in
def outcome(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """JSON: the state, and once it has ended how."""
    found = experiment_get(request.user, project, slug)
    failed = run_counts(found).states.get(RunState.FAILED, 0)
    ended = outcome_of(found, best_objective(found), failed)
    return JsonResponse({"state": found.state, "words": ended.words if ended else ""})
