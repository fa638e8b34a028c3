"""What the tiles of an experiment's page say about its search and its budget."""

from dataclasses import dataclass

from experiments.definition import HOUR
from experiments.models import Experiment
from experiments.models.experiment import Direction
from experiments.selectors.overview import RunCounts
from experiments.services.lifecycle import seconds_active
from experiments.web.words import method_name, pruner_name


@dataclass(frozen=True)
class SearchShown:
    """`total` is None where there is no limit to speak of; `added` are sets that people added to the searcher's."""

    name: str
    made: int
    total: int | None
    added: int
    repeat: int
    pruner: str
    pruned: int


@dataclass(frozen=True)
class BudgetShown:
    """Seconds of being active, and in words the limits that there are."""

    used: float
    limit: str
    target: str


def search_shown(experiment: Experiment, counts: RunCounts) -> SearchShown:
    """How sets are found, and how far that is. No query."""
    search = experiment.search
    others = counts.sets - counts.searched
    pruner = (search.get("pruner") or {}).get("method", "")
    return SearchShown(
        name=method_name(search.get("method", "list")),
        made=counts.searched if counts.searched or search.get("runs") else others,
        total=search.get("runs"),
        added=others if counts.searched else 0,
        repeat=search.get("repeat", 1),
        pruner=pruner_name(pruner) if pruner else "",
        pruned=counts.states.get("pruned", 0),
    )


def budget_shown(experiment: Experiment) -> BudgetShown:
    """The time that is used, and what ends the search before its sets do."""
    sign = "≥" if experiment.objective_direction == Direction.MAXIMIZE else "≤"
    target = (
        "" if experiment.target is None else f"{experiment.objective_metric} {sign} {experiment.target:g}"
    )
    return BudgetShown(seconds_active(experiment), _limit(experiment.max_seconds), target)


def _limit(seconds: float | None) -> str:
    """As people gave it: in hours, minutes where that is less than one."""
    if seconds is None:
        return ""
    return f"{seconds / HOUR:.3g} h" if seconds >= HOUR else f"{seconds / 60:.3g} min"
