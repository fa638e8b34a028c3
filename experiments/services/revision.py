"""Changing an experiment while it runs or after: more runs at a time, a larger budget, another name."""

import math
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from accounts.services.audit import audit
from experiments.definition import HOUR, MAX_NAME, check_limit, check_priority
from experiments.models import Experiment, RunEvent
from experiments.models.experiment import Direction, Priority
from experiments.search.registry import proposes
from experiments.search.spec import SearchSpec
from experiments.services.budget import search_over
from experiments.services.bulk import runs_requeue
from experiments.services.checking import priority_allowed
from experiments.services.lifecycle import (
    experiment_changed,
    experiment_locked,
    experiment_reopen,
)
from experiments.states import ExperimentState, RunState
from mlplatform.broker import enqueue
from mlplatform.kernel.errors import InvalidInput
from runners.services.allocations import allocations_prioritize

# What may be changed; `runs` is the number of parameter sets that the searcher may make.
CHANGEABLE = ("name", "description", "max_parallel", "max_retries", "max_hours", "target", "runs", "priority")
BUDGET_CAUSES = ("budget_time", "target_reached")


@transaction.atomic
def experiment_revise(*, user: User, experiment: Experiment, changes: Mapping[str, Any]) -> Experiment:
    """Change some of CHANGEABLE; None takes a limit away. A larger budget makes a completed experiment active again.

    Raises InvalidInput with the field; then nothing was changed.
    """
    require(user, "control", experiment.project)
    experiment = experiment_locked(experiment.pk)
    unknown = sorted(set(changes) - set(CHANGEABLE))
    if unknown:
        raise InvalidInput(
            f"{unknown[0]} cannot be changed after launch; what can be is {', '.join(CHANGEABLE)}. "
            "Clone the experiment to change anything else.",
            field=unknown[0],
        )
    before, reach = {name: _value(experiment, name) for name in changes}, _reach(experiment)
    for name, value in changes.items():
        _set(experiment, name, value)
    if changes.get("priority") != before.get("priority"):
        priority_allowed(user, experiment.project, experiment.priority)
        allocations_prioritize(experiment.pk, Priority(experiment.priority).rank)
    after = {name: _value(experiment, name) for name in changes}
    if after == before:
        return experiment
    grew = any(new > old for new, old in zip(_reach(experiment), reach, strict=True))
    goes_on = grew and experiment.state != ExperimentState.CANCELED
    if goes_on:
        experiment.search_stopped = False
    experiment.save()
    said = ", ".join(f"{name.replace('_', ' ')} {before[name]} → {after[name]}" for name in changes)
    RunEvent.objects.create(experiment=experiment, kind="changed", message=said[:500], actor=user)
    audit(user, "experiment.change", experiment.slug, project=experiment.project, before=before, after=after)
    if goes_on and not search_over(experiment):
        _take_up_again(experiment, user)
    experiment_changed(experiment)
    enqueue("reconcile")
    return experiment


def _take_up_again(experiment: Experiment, user: User) -> None:
    """What the old budget ended is queued again, and the searcher goes on."""
    ended = experiment.runs.filter(state=RunState.CANCELED, cause_code__in=BUDGET_CAUSES)
    runs_requeue(experiment, ended, user)
    experiment_reopen(experiment, user)


def _reach(experiment: Experiment) -> tuple[float, float, float]:
    """How far each limit of the budget lets the experiment go, to compare before and after."""
    runs, target = experiment.search.get("runs"), experiment.target
    sign = 1 if experiment.objective_direction == Direction.MAXIMIZE else -1
    return (
        math.inf if runs is None else runs,
        math.inf if experiment.max_seconds is None else experiment.max_seconds,
        math.inf if target is None else sign * target,
    )


def _value(experiment: Experiment, name: str) -> Any:
    match name:
        case "runs":
            return experiment.search.get("runs")
        case "max_hours":
            return experiment.max_seconds / HOUR if experiment.max_seconds else None
    return getattr(experiment, name)


def _set(experiment: Experiment, name: str, value: Any) -> None:
    match name:
        case "name":
            experiment.name = _text(name, value, MAX_NAME)
        case "description":
            experiment.description = _text(name, value or " ", 2000)
        case "max_parallel" | "max_retries":
            check_limit(name, _required(name, value))
            setattr(experiment, name, value)
        case "max_hours":
            check_limit(name, value)
            experiment.max_seconds = value and value * HOUR
        case "priority":
            check_priority(_required(name, value))
            experiment.priority = value
        case "target":
            if value is not None and not experiment.objective_metric:
                raise InvalidInput(
                    "A target needs a metric that decides; this experiment has none.", field=name
                )
            experiment.target = value
        case "runs":
            _set_runs(experiment, value)


def _set_runs(experiment: Experiment, value: Any) -> None:
    if not proposes(experiment.search):
        raise InvalidInput(
            "This experiment has no search; add the runs that you want, with their parameters.", field="runs"
        )
    try:
        spec = SearchSpec.from_json({**experiment.search, "runs": value}, experiment.declared)
    except InvalidInput as error:
        raise InvalidInput(error.message.removeprefix("search."), field="runs") from None
    experiment.search = spec.to_json()


def _required(name: str, value: Any) -> Any:
    if value is None:
        raise InvalidInput(f"{name.replace('_', ' ')} needs a value.", field=name)
    return value


def _text(name: str, value: Any, limit: int) -> str:
    text = str(value).strip()
    if len(text) > limit or (name == "name" and not text):
        raise InvalidInput(f"The {name} has {len(text)} characters; 1 to {limit} fit.", field=name)
    return text
