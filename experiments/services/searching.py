"""Turning what the searcher proposes into runs. Call these in a transaction that holds the experiment's lock."""

import hashlib
import math
from collections.abc import Sequence
from itertools import count

from django.db.models import Max

from accounts.models import User
from experiments.models import Experiment, Run, RunEvent
from experiments.search.port import Observation, Searcher
from experiments.search.registry import is_adaptive, searcher_for
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec
from experiments.selectors.search import observations, searched_sets
from experiments.services.budget import search_over
from experiments.services.lifecycle import experiment_changed
from experiments.states import RUN_TERMINAL


def sets_add(
    experiment: Experiment,
    sets: Sequence[ParamSet],
    *,
    actor: User | None = None,
    searched: bool = False,
    repeat: int = 1,
) -> list[Run]:
    """Queue `repeat` runs of each set, numbered after what is there."""
    if not sets:
        return []
    exempt = not searched and bool(search_over(experiment))
    last = experiment.runs.aggregate(number=Max("number"), set_number=Max("set_number"))
    numbers, first_set = count((last["number"] or 0) + 1), (last["set_number"] or 0) + 1
    runs = [
        Run(
            experiment=experiment,
            number=(number := next(numbers)),
            set_number=set_number,
            repeat=index,
            searched=searched,
            exempt=exempt,
            params=params,
            seed=run_seed(experiment, number),
        )
        for set_number, params in enumerate(sets, first_set)
        for index in range(1, repeat + 1)
    ]
    Run.objects.bulk_create(runs)
    RunEvent.objects.bulk_create(
        RunEvent(experiment=experiment, run=run, kind="queued", actor=actor) for run in runs
    )
    experiment_changed(experiment)
    return runs


def run_seed(experiment: Experiment, number: int) -> int:
    """Seed of a run: depends on the experiment's seed and the run's number only, so a crash changes nothing."""
    text = f"{experiment.seed}:{number}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4]) >> 1


def sets_propose_at_launch(experiment: Experiment, actor: User) -> list[Run]:
    """What does not depend on results is queued at once; the rest waits for the reconciler, which has the libraries."""
    if not experiment.search or is_adaptive(experiment.search["method"]):
        return []
    return sets_propose(experiment, actor=actor)


def sets_propose(experiment: Experiment, *, actor: User | None = None) -> list[Run]:
    """Queue what the searcher wants to be tried now, within the number of sets that it may make.

    A searcher that learns is asked only for as many sets as can run now, so that it knows all that can be known.
    """
    if not experiment.search:
        return []
    spec = SearchSpec.from_json(experiment.search, experiment.declared)
    made = searched_sets(experiment)
    left = (math.inf if spec.runs is None else spec.runs) - made
    searcher = None
    if left > 0:
        searcher = searcher_for(spec, experiment.declared, direction=experiment.objective_direction)
        if searcher.adaptive:
            open_runs = experiment.runs.exclude(state__in=RUN_TERMINAL).count()
            left = min(left, math.ceil((experiment.max_parallel - open_runs) / spec.repeat))
    if searcher is None or left <= 0:
        return []
    sets = _ask(experiment, searcher, made, left)
    return sets_add(experiment, sets, actor=actor, searched=True, repeat=spec.repeat)


def _ask(experiment: Experiment, searcher: Searcher, made: int, wanted: float) -> list[ParamSet]:
    history = observations(experiment) if searcher.adaptive else []
    sets: list[ParamSet] = []
    while len(sets) < wanted:
        params = searcher.propose(made + len(sets) + 1, history)
        if params is None:
            break
        sets.append(params)
        history.append(Observation(history[-1].number + 1 if history else 1, params, "open"))
    return sets
