"""When is a search over before its sets are? Its target is reached, its time is used up, or a person canceled it.

Then nothing more is proposed, and what is open ends; but not what a person queues after that.
"""

import math
from uuid import UUID

from django.db.models import Q

from experiments.causes import Cause, budget_cause, target_cause
from experiments.models import Experiment
from experiments.models.experiment import Direction
from experiments.services.lifecycle import seconds_active
from experiments.states import INTERRUPTIONS, RUN_OPEN, RunState, StopReason


def search_over(experiment: Experiment) -> str:
    """The StopReason for what is still open, empty if the search goes on."""
    if target_winners(experiment):
        return StopReason.TARGET
    if experiment.max_seconds is not None and seconds_active(experiment) >= experiment.max_seconds:
        return StopReason.BUDGET
    return StopReason.CANCELED if experiment.search_stopped else ""


def end_cause(experiment: Experiment, reason: str) -> Cause | None:
    """Why runs are ended for a StopReason; None where a person says so, which needs no words."""
    match reason:
        case StopReason.TARGET:
            return target_cause(experiment)
        case StopReason.BUDGET:
            return budget_cause(experiment)
    return None


def target_winners(experiment: Experiment) -> set[UUID]:
    """Runs that have reached the target and have not ended badly, nor will. One query, none without a target."""
    if experiment.target is None:
        return set()
    # PostgreSQL ranks NaN above all numbers.
    field, name = f"metrics__{experiment.objective_field}", experiment.objective_metric
    if experiment.objective_direction == Direction.MAXIMIZE:
        reached = Q(**{f"{field}__gte": experiment.target, f"{field}__lt": math.inf})
    else:
        reached = Q(**{f"{field}__lte": experiment.target, f"{field}__gt": -math.inf})
    going_on = Q(state__in=RUN_OPEN, stop_reason__in=["", *INTERRUPTIONS])
    well = experiment.runs.filter(going_on | Q(state=RunState.COMPLETED))
    return set(well.filter(reached, metrics__name=name).values_list("pk", flat=True))
