"""Summaries for the pages: counts of runs, names of metrics."""

from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from experiments.models import Experiment, Run
from experiments.selectors.conditions import Scope
from experiments.selectors.names import metric_names
from experiments.states import RUN_LEASED, RUN_TERMINAL, RunState
from mlplatform.kernel import clock


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


def run_counts(experiment: Experiment) -> RunCounts:
    """Counts and sums over all runs. Two queries: one that reads only an index, one for the runs that have begun."""
    runs = Run.objects.filter(experiment=experiment).order_by()
    first = Q(repeat=1)
    rows = runs.values("state").annotate(
        count=Count("*"),
        sets=Count("number", filter=first),
        searched=Count("number", filter=first & Q(searched=True)),
        attempted=Sum("attempted"),
    )
    by_state = {row["state"]: row for row in rows}
    states = {state: by_state[state]["count"] for state in RunState.values if state in by_state}
    begun = runs.filter(Q(state__in=RUN_LEASED) | Q(state=RunState.QUEUED, attempted__isnull=False))
    now = clock.now()
    under_way = list(begun.values_list("state", "progress", "attempt_started_at"))
    seconds = [row["attempted"].total_seconds() for row in by_state.values() if row["attempted"] is not None]
    seconds += [(now - at).total_seconds() for state, _, at in under_way if state in RUN_LEASED and at]
    done = sum(states.get(state, 0) for state in RUN_TERMINAL)
    return RunCounts(
        total=sum(states.values()),
        done=done,
        done_progress=done + sum(progress or 0.0 for _, progress, _ in under_way),
        words=", ".join(f"{count:,} {state}" for state, count in states.items()),
        states=states,
        sets=sum(row["sets"] for row in by_state.values()),
        searched=sum(row["searched"] for row in by_state.values()),
        seconds=sum(seconds) if seconds else None,
    )


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
