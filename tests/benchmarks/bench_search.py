"""What a proposal costs: the next parameter set after so many results, and the first one after a restart.

    python -m tests.benchmarks.bench_search [--repetitions 5]

Ours keep nothing: each proposal is made from the rows of the experiment, so one after a restart is like any other; what
a new process adds is the import of the library. The peer is a plain Optuna study in memory that holds the same history:
`study.ask()` while it lives, and rebuilding it when it does not. CMA-ES in Optuna keeps its state in its own trials, so
that peer asked for its history itself; from foreign rows it could not go on.
"""

import argparse
import json
import math
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, create_trial

from experiments.search.conditions import declare_all
from experiments.search.port import Observation
from experiments.search.registry import searcher_for
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec
from tests.benchmarks.report import print_machine, print_table
from tests.stack import ROOT

DECLARED = {
    "lr": {"type": "float", "min": 1e-5, "max": 1, "log": True, "default": 0.01},
    "dropout": {"type": "float", "min": 0, "max": 0.9, "default": 0.1},
    "width": {"type": "int", "min": 8, "max": 512, "step": 8, "default": 64},
    "optimizer": {"type": "categorical", "choices": ["adam", "sgd", "lamb"], "default": "adam"},
}
PARAMETERS = declare_all(DECLARED)
DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-5, 1, log=True),
    "dropout": FloatDistribution(0, 0.9),
    "width": IntDistribution(8, 512, step=8),
    "optimizer": CategoricalDistribution(["adam", "sgd", "lamb"]),
}
# Method and how many results there are.
CASES = (("tpe", 999), ("gp", 199), ("cmaes", 199))


def loss(params: ParamSet) -> float:
    """A bowl with one corner that is worse than the others."""
    lr, dropout, width = float(params["lr"]), float(params["dropout"]), float(params["width"])
    bowl = (math.log10(lr) + 3) ** 2 + 4 * (dropout - 0.2) ** 2 + (width / 512 - 0.5) ** 2
    return bowl + (params["optimizer"] == "sgd")


def search(method: str) -> dict[str, Any]:
    """As in experiment.yaml."""
    return {"method": method, "runs": 10_000, "space": {name: {} for name in DECLARED}}


def spec(method: str) -> SearchSpec:
    return SearchSpec.from_json(search(method), PARAMETERS)


def history(size: int) -> list[Observation]:
    """The same for everybody: random sets and their values."""
    searcher = searcher_for(spec("random"), PARAMETERS, direction="minimize")
    found = []
    for number in range(1, size + 1):
        params = searcher.propose(number, [])
        assert params is not None
        found.append(Observation(number, params, "completed", loss(params)))
    return found


def propose(method: str, seen: list[Observation]) -> None:
    """What the reconciler does for the next set, after it has read the rows."""
    searcher = searcher_for(spec(method), PARAMETERS, direction="minimize")
    assert searcher.propose(len(seen) + 1, seen) is not None


def peer_sampler(method: str) -> optuna.samplers.BaseSampler:
    """The same settings as ours."""
    if method == "tpe":
        return optuna.samplers.TPESampler(seed=0, multivariate=True, group=True, constant_liar=True)
    if method == "gp":
        return optuna.samplers.GPSampler(seed=0, warn_independent_sampling=False)
    return optuna.samplers.CmaEsSampler(seed=0, warn_independent_sampling=False)


def ask(study: optuna.Study) -> None:
    """Propose, and take it back: the history must not grow."""
    trial = study.ask(DISTRIBUTIONS)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)


def peer(method: str, seen: list[Observation]) -> tuple[Callable[[], None], Callable[[], None] | None]:
    """How the peer proposes while its study lives, and how after a restart (None: it cannot)."""

    def rebuilt() -> optuna.Study:
        study = optuna.create_study(sampler=peer_sampler(method), direction="minimize")
        study.add_trials([_trial(observation) for observation in seen])
        return study

    if method != "cmaes":
        living = rebuilt()
        return lambda: ask(living), lambda: ask(rebuilt())
    study = optuna.create_study(sampler=peer_sampler(method), direction="minimize")
    for _ in seen:
        trial = study.ask(DISTRIBUTIONS)
        study.tell(trial, loss(dict(trial.params)))
    return lambda: ask(study), None


def _trial(observation: Observation) -> FrozenTrial:
    return create_trial(params=dict(observation.params), distributions=DISTRIBUTIONS, value=observation.value)


def timed(call: Callable[[], None], repetitions: int) -> float:
    """Median seconds of a call, after one that loads what is loaded once."""
    call()
    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def first_in_a_new_process(method: str, size: int) -> float:
    """Seconds of the first proposal of a process, the import of the libraries included."""
    rows = [(each.number, each.params, each.value) for each in history(size)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.first_proposal"],
        input=json.dumps({"parameters": DECLARED, "search": search(method), "history": rows}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print_machine()
    rows = []
    for method, size in CASES:
        seen = history(size)
        ours = timed(lambda: propose(method, seen), options.repetitions)  # noqa: B023  # called at once
        living, after_restart = peer(method, seen)
        theirs = timed(living, options.repetitions)
        restart = f"{1000 * timed(after_restart, options.repetitions):.0f}" if after_restart else "cannot"
        first = f"{1000 * first_in_a_new_process(method, size):.0f}"
        rows.append(
            [f"{method}, set {size + 1}", f"{1000 * ours:.0f}", first, f"{1000 * theirs:.0f}", restart]
        )
    header = ["four parameters", "ours", "first in a new process", "Optuna, living study", "Optuna, rebuilt"]
    print_table(f"Milliseconds for the next set, median of {options.repetitions}", header, rows)


if __name__ == "__main__":
    main()
