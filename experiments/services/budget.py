"""When is a search over before its sets are? Time that is used up, and a target that is reached."""

from uuid import UUID

from experiments.causes import Cause, budget_cause, target_cause
from experiments.models import Experiment
from experiments.models.experiment import Direction
from experiments.selectors.search import objective_values
from experiments.services.lifecycle import seconds_active
from experiments.states import StopReason


def search_over(experiment: Experiment) -> str:
    """The StopReason for what is still open, empty if the search goes on."""
    if target_winners(experiment):
        return StopReason.TARGET
    if experiment.max_seconds is not None and seconds_active(experiment) >= experiment.max_seconds:
        return StopReason.BUDGET
    return ""


def end_cause(experiment: Experiment, reason: str) -> Cause | None:
    """Why runs are ended for a StopReason; None where a person says so, which needs no words."""
    match reason:
        case StopReason.TARGET:
            return target_cause(experiment)
        case StopReason.BUDGET:
            return budget_cause(experiment)
    return None


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
