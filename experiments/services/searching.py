"""Turning what the searcher proposes into runs."""

import hashlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from experiments.models import Experiment, Run, RunEvent, RunParam
from experiments.search.port import Observation
from experiments.search.registry import is_adaptive, searcher_for
from experiments.search.space import ParamSet
from experiments.search.spec import MAX_RUNS, SearchSpec
from experiments.selectors.search import observations, searched_sets
from experiments.services.budget import search_over
from experiments.services.lifecycle import experiment_changed, experiment_locked
from experiments.services.quotas import check_queued, check_storage
from experiments.states import RUN_TERMINAL, ExperimentState
from mlplatform.broker import enqueue
from mlplatform.kernel.errors import PlatformError

logger = logging.getLogger(__name__)
# A searcher that learns may take a second for one set; others have their turn after this long.
TURN_SECONDS = 1.0
SEARCH_FAILED = "search_failed"


def sets_add(
    experiment: Experiment,
    sets: Sequence[ParamSet],
    *,
    actor: User | None = None,
    searched: bool = False,
    repeat: int = 1,
) -> list[Run]:
    """Queue `repeat` runs of each set, numbered after what is there. The caller holds the experiment's lock.

    Raises QuotaExceeded for those of a person; a searcher that learns makes few at a time.
    """
    if not sets:
        return []
    exempt = not searched and bool(search_over(experiment))
    last = experiment.runs.aggregate(number=Max("number"), set_number=Max("set_number"))
    # Not those of what was deleted, either: a number never names another run than before.
    numbers = count(max(last["number"] or 0, experiment.numbers_used) + 1)
    first_set = max(last["set_number"] or 0, experiment.sets_used) + 1
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
    RunParam.objects.bulk_create(param for run in runs for param in RunParam.of(run))
    RunEvent.objects.bulk_create(
        RunEvent(experiment=experiment, run=run, kind="queued", actor=actor) for run in runs
    )
    if actor:
        check_storage(experiment.project, experiment.created_by, field="runs")
        check_queued(experiment, len(runs))
    experiment_changed(experiment)
    return runs


def run_seed(experiment: Experiment, number: int) -> int:
    """Seed of a run: depends on the experiment's seed and the run's number only, so a crash changes nothing."""
    text = f"{experiment.seed}:{number}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4]) >> 1


def sets_propose_at_launch(experiment: Experiment, actor: User) -> None:
    """What does not depend on results is queued at once; the rest waits for the worker, which has the libraries."""
    if not is_adaptive(experiment.search.get("method", "")):
        found = _ask(experiment, searched_sets(experiment), sets_wanted(experiment))
        _queue(experiment, found, actor=actor)


def sets_wanted(experiment: Experiment) -> int:
    """How many sets the searcher is to make now. Two queries; asks no searcher, so it cannot fail.

    One that learns is asked only for as many sets as can run now, so that it knows all that can be known.
    """
    search = experiment.search
    method = search.get("method", "list")
    if method == "list" or experiment.search_exhausted:
        return 0
    left: int = search.get("runs", MAX_RUNS) - searched_sets(experiment)
    if left > 0 and is_adaptive(method):
        open_runs = experiment.runs.exclude(state__in=RUN_TERMINAL).count()
        left = min(left, math.ceil((experiment.max_parallel - open_runs) / search.get("repeat", 1)))
    return max(0, left)


def sets_propose(pk: UUID) -> None:
    """Let the searcher of an experiment work for one turn, and queue what it has found.

    Nothing is locked while it thinks; what it found is dropped if somebody else was faster. The reconciler hears of it,
    and gives it another turn if more is wanted. What it raises is logged and noted for the reconciler, too.
    """
    experiment = Experiment.objects.get(pk=pk)
    # In this order: who is faster changes the first.
    made = searched_sets(experiment)
    wanted = sets_wanted(experiment)
    try:
        found = _ask(experiment, made, wanted, seconds=TURN_SECONDS)
    except Exception as error:
        logger.exception("the search of experiment %s failed", pk)
        words = error.message if isinstance(error, PlatformError) else f"{type(error).__name__}: {error}"
        RunEvent.objects.create(experiment=experiment, kind=SEARCH_FAILED, message=words[:500])
        experiment_changed(experiment)
        return
    with transaction.atomic():
        experiment = experiment_locked(pk)
        goes_on = experiment.state == ExperimentState.ACTIVE and not search_over(experiment)
        if goes_on and searched_sets(experiment) == made:
            _queue(experiment, found)
            enqueue("reconcile")


@dataclass(frozen=True)
class Found:
    """What a searcher made, and whether it has no more than that."""

    sets: Sequence[ParamSet] = ()
    exhausted: bool = False


def _ask(experiment: Experiment, made: int, wanted: int, *, seconds: float = math.inf) -> Found:
    """The sets after those that are made: at least one, and no new one is begun when the time is up."""
    if not wanted:
        return Found()
    deadline = time.monotonic() + seconds
    sets: list[ParamSet] = []
    spec = SearchSpec.from_json(experiment.search, experiment.declared)
    searcher = searcher_for(spec, experiment.declared, direction=experiment.objective_direction)
    history = observations(experiment) if searcher.adaptive else []
    while len(sets) < wanted and (not sets or time.monotonic() < deadline):
        params = searcher.propose(made + len(sets) + 1, history)
        if params is None:
            return Found(sets, exhausted=True)
        sets.append(params)
        history.append(Observation(history[-1].number + 1 if history else 1, params, "open"))
    return Found(sets)


def _queue(experiment: Experiment, found: Found, actor: User | None = None) -> None:
    repeat = experiment.search.get("repeat", 1)
    # Less may be wanted by now.
    sets = found.sets[: sets_wanted(experiment)]
    sets_add(experiment, sets, actor=actor, searched=True, repeat=repeat)
    if found.exhausted and len(sets) == len(found.sets):
        Experiment.objects.filter(pk=experiment.pk).update(search_exhausted=True)
