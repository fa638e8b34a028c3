"""How experiments stand: for lists of them, in a number of queries that does not grow with the list."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, OuterRef, Q, QuerySet, Subquery, Sum, When

from experiments.models import Experiment, Run, RunMetric
from experiments.models.experiment import Direction
from experiments.pace import seconds_left
from experiments.selectors.runs import seconds_per_run
from experiments.states import RUN_LEASED, RUN_TERMINAL, RUN_TRAINED, RunState
from mlplatform.kernel import clock


@dataclass(frozen=True)
class Standing:
    """An experiment with `best_value` and `best_number` (see `with_best`), counts of its runs, and the time left.

    `progress` counts a half-trained run as a half.
    """

    experiment: Any
    states: dict[str, int]
    progress: float
    eta_seconds: float | None

    @property
    def total(self) -> int:
        """All runs."""
        return sum(self.states.values())

    @property
    def done(self) -> int:
        """Runs that have ended."""
        return sum(self.states.get(state, 0) for state in RUN_TERMINAL)

    @property
    def failed(self) -> int:
        """Runs that have failed."""
        return self.states.get(RunState.FAILED, 0)

    @property
    def under_way(self) -> int:
        """Runs that train, or begin to."""
        return sum(self.states.get(state, 0) for state in RUN_LEASED)

    @property
    def meter(self) -> str:
        """What the colour of its bar says."""
        return RunState.FAILED if self.total and self.failed == self.total else str(self.experiment.state)

    @property
    def words(self) -> str:
        """Counts by state."""
        return ", ".join(f"{count:,} {state}" for state, count in self.states.items())


def with_best(experiments: "QuerySet[Experiment]") -> "QuerySet[Experiment]":
    """With the best value of the objective among completed runs, and the number of its run."""
    values = RunMetric.objects.filter(
        experiment=OuterRef("pk"),
        name=OuterRef("objective_metric"),
        run__state=RunState.COMPLETED,
        value__isnull=False,
    )
    highest, lowest = values.order_by("-value", "run_number"), values.order_by("value", "run_number")

    def best(field: str) -> Case:
        highest_first = When(objective_direction=Direction.MAXIMIZE, then=Subquery(highest.values(field)[:1]))
        return Case(highest_first, default=Subquery(lowest.values(field)[:1]))

    return experiments.annotate(best_value=best("value"), best_number=best("run_number"))


def standings(experiments: Sequence[Experiment]) -> list[Standing]:
    """The experiments in the same order. Two queries."""
    ids = [experiment.pk for experiment in experiments]
    runs = Run.objects.filter(experiment__in=ids).order_by()
    counts: dict[UUID, dict[str, tuple[int, float]]] = defaultdict(dict)
    for row in runs.values("experiment", "state").annotate(count=Count("*"), took=Sum("attempted")):
        took = row["took"].total_seconds() if row["took"] is not None else 0.0
        counts[row["experiment"]][row["state"]] = row["count"], took
    begun = runs.filter(Q(state__in=RUN_LEASED) | Q(state=RunState.QUEUED, attempted__isnull=False))
    under_way: dict[UUID, list[Run]] = defaultdict(list)
    for run in begun.only("experiment", "state", "progress", "progress_base", "attempt_started_at"):
        under_way[run.experiment_id].append(run)
    now = clock.now()
    return [_standing(each, counts[each.pk], under_way[each.pk], now) for each in experiments]


def _standing(
    experiment: Experiment, counts: dict[str, tuple[int, float]], begun: Sequence[Run], now: datetime
) -> Standing:
    states = {state: counts[state][0] for state in RunState.values if state in counts}
    done = sum(states.get(state, 0) for state in RUN_TERMINAL)
    progress = done + sum(run.progress or 0.0 for run in begun)
    return Standing(experiment, states, progress, time_left(experiment, counts, progress, begun, now))


def time_left(
    experiment: Experiment,
    counts: Mapping[str, tuple[int, float]],
    progress: float,
    begun: Sequence[Run],
    now: datetime,
) -> float | None:
    """Seconds until all runs have ended; None while nobody can say. No query.

    `counts` has by state how many runs there are and the seconds of all of them, `begun` those that were attempted.
    """
    # A searcher makes its sets as it learns: those to come count as well.
    search = experiment.search
    planned = max(
        sum(count for count, _ in counts.values()), (search.get("runs") or 0) * search.get("repeat", 1)
    )
    training = [run for run in begun if run.state in RUN_LEASED]
    return seconds_left(
        left=planned - progress,
        ended=[counts[state] for state in RUN_TRAINED if state in counts and counts[state][1]],
        paces=[pace for run in training if (pace := seconds_per_run(run, now)) is not None],
        at_work=len(training),
    )
