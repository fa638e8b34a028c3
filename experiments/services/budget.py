"""When is a search over before its sets are? Time that is used up, and a target that is reached."""

from collections.abc import Collection
from uuid import UUID

from experiments.causes import budget_cause, target_cause
from experiments.models import Experiment, Run
from experiments.models.experiment import Direction
from experiments.selectors.search import objective_values
from experiments.services.lifecycle import run_ask_to_stop, run_finish, seconds_active
from experiments.states import RUN_TERMINAL, RunState, StopReason

CAUSES = {StopReason.BUDGET: budget_cause, StopReason.TARGET: target_cause}


def search_over(experiment: Experiment) -> str:
    """The StopReason for what is still open, empty if the search goes on."""
    if target_winners(experiment):
        return StopReason.TARGET
    if experiment.max_seconds is not None and seconds_active(experiment) >= experiment.max_seconds:
        return StopReason.BUDGET
    return ""


def target_winners(experiment: Experiment) -> set[UUID]:
    """Runs whose objective has reached the target. No query without a target."""
    if experiment.target is None:
        return set()
    high = experiment.objective_direction == Direction.MAXIMIZE
    return {
        run_id
        for run_id, value in objective_values(experiment).items()
        if (value >= experiment.target if high else value <= experiment.target)
    }


def runs_end(experiment: Experiment, ids: Collection[UUID], reason: str) -> None:
    """End the open runs of a search that is over: those that wait at once, the others at their next report."""
    if not ids:
        return
    rows = Run.objects.select_for_update(of=("self",), no_key=True).select_related("experiment")
    cause = CAUSES[StopReason(reason)](experiment)
    for run in rows.filter(pk__in=ids).exclude(state__in=RUN_TERMINAL):
        if run.state == RunState.QUEUED:
            run_finish(run, RunState.CANCELED, cause)
        else:
            run_ask_to_stop(run, reason, cause.message)
