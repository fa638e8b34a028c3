"""Summaries for the pages: counts of runs, names of metrics."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import caches
from django.db.models import Count, Q, QuerySet, Sum

from experiments.models import Experiment, Run
from experiments.selectors.conditions import Scope
from experiments.selectors.names import metric_names
from experiments.selectors.standing import time_left
from experiments.states import RUN_LEASED, RUN_TERMINAL, RunState
from mlplatform.kernel import clock

# No transaction that adds an event is open for so long.
SETTLED_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class RunCounts:
    """How far an experiment is. `done_progress` counts a half-trained run as a half; `seconds` is the time of all runs.

    `sets` are parameter sets, `searched` those that the searcher made.
    """

    total: int
    done: int
    done_progress: float
    words: str
    states: dict[str, int]
    sets: int
    searched: int
    seconds: float | None
    seconds_left: float | None


def run_counts(experiment: Experiment) -> RunCounts:
    """Counts and sums over all runs. Three queries: the newest event, an index of all runs, runs that have begun."""
    runs = Run.objects.filter(experiment=experiment).order_by()
    by_state = _by_state(experiment, runs)
    states = {state: by_state[state]["count"] for state in RunState.values if state in by_state}
    begun = runs.filter(Q(state__in=RUN_LEASED) | Q(state=RunState.QUEUED, attempted__isnull=False))
    now = clock.now()
    under_way = list(begun.only("state", "progress", "progress_base", "attempt_started_at"))
    seconds = [row["attempted"].total_seconds() for row in by_state.values() if row["attempted"] is not None]
    training = [run for run in under_way if run.state in RUN_LEASED]
    seconds += [(now - run.attempt_started_at).total_seconds() for run in training if run.attempt_started_at]
    done = sum(states.get(state, 0) for state in RUN_TERMINAL)
    done_progress = done + sum(run.progress or 0.0 for run in under_way)
    total = sum(states.values())
    times = {
        state: (row["count"], row["attempted"].total_seconds() if row["attempted"] is not None else 0.0)
        for state, row in by_state.items()
    }
    return RunCounts(
        total=total,
        done=done,
        done_progress=done_progress,
        words=", ".join(f"{count:,} {state}" for state, count in states.items()),
        states=states,
        sets=sum(row["sets"] for row in by_state.values()),
        searched=sum(row["searched"] for row in by_state.values()),
        seconds=sum(seconds) if seconds else None,
        seconds_left=time_left(experiment, times, done_progress, under_way, now),
    )


def _by_state(experiment: Experiment, runs: "QuerySet[Run]") -> dict[str, dict[str, Any]]:
    """Sums over the runs of each state. They are kept until the experiment's next event, without which none changes."""
    newest = experiment.events.order_by("-id").values_list("id", "at").first()
    # Events get their numbers before they are there for all to see: later, no smaller one can still appear.
    is_settled = newest is not None and clock.now() - newest[1] > SETTLED_AFTER
    key = f"run-counts:{experiment.pk}:{newest and newest[0]}"
    kept: dict[str, dict[str, Any]] | None = caches["process"].get(key) if is_settled else None
    if kept is not None:
        return kept
    first = Q(repeat=1)
    rows = runs.values("state").annotate(
        count=Count("*"),
        sets=Count("number", filter=first),
        searched=Count("number", filter=first & Q(searched=True)),
        attempted=Sum("attempted"),
    )
    found: dict[str, dict[str, Any]] = {row["state"]: {**row} for row in rows}
    if is_settled:
        caches["process"].set(key, found)
    return found


def experiment_metric_names(experiment: Experiment, *, system: bool = False) -> list[str]:
    """Metrics that any run reported, the objective first; or instead what workers said of their machines."""
    names = metric_names(Scope((experiment.pk,)), system=system)
    return sorted(names, key=lambda name: (name != experiment.objective_metric, name))


def neighbours(run: Run) -> tuple[int | None, int | None]:
    """Numbers of the previous and the next run of the experiment."""
    numbers = (
        Run.objects.filter(experiment=run.experiment_id).order_by("number").values_list("number", flat=True)
    )
    return numbers.filter(number__lt=run.number).last(), numbers.filter(number__gt=run.number).first()
