import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from experiments.search.port import Observation, Searcher
from experiments.search.random import RandomSearcher
from experiments.search.registry import searcher_for
from experiments.search.space import ParamSet
from tests.contracts.searcher_contract import SearcherContract
from tests.experiments.search.spaces import DECLARED, SPACE, spec_of

SMOOTH = {"lr": {"min": 1e-4, "max": 1}, "dropout": {}, "layers": {}}


class TestTpeSearcher(SearcherContract):
    method = "tpe"


class TestGpSearcher(SearcherContract):
    method = "gp"
    space = SPACE


def distance(params: ParamSet) -> float:
    return abs(float(params["dropout"]) - 0.6) + abs(int(params["layers"]) - 7) / 8


def searched(searcher: Searcher, count: int, objective: Callable[[ParamSet], float]) -> list[Observation]:
    history: list[Observation] = []
    for number in range(1, count + 1):
        params = searcher.propose(number, history)
        assert params is not None
        history.append(Observation(number, params, "completed", objective(params)))
    return history


@pytest.mark.parametrize("method", ["tpe", "gp"])
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_first_sets_are_random_and_the_rest_better(method: str, direction: str) -> None:
    spec, sign = spec_of(method, SMOOTH), 1 if direction == "minimize" else -1
    history = searched(
        searcher_for(spec, DECLARED, direction=direction), 24, lambda params: sign * distance(params)
    )
    draws = RandomSearcher(spec, DECLARED, direction=direction)
    assert [each.params for each in history[:10]] == [draws.propose(n, []) for n in range(1, 11)]
    later = sorted(distance(each.params) for each in history[10:])
    randomly = sorted(distance(params) for n in range(11, 25) if (params := draws.propose(n, [])))
    assert later[7] < randomly[7] / 2


def changed(history: list[Observation], method: str, **more: Any) -> bool:
    """Whether one more row changes one of the next proposals."""
    searcher = searcher_for(spec_of(method, SMOOTH), DECLARED, direction="minimize")
    row = replace(history[3], **{"number": 30, "value": 0.0, **more})
    return any(
        searcher.propose(number, history) != searcher.propose(number, [*history, row]) for number in (31, 32)
    )


@pytest.mark.parametrize("method", ["tpe", "gp"])
def test_which_rows_count(method: str) -> None:
    searcher = searcher_for(spec_of(method, SMOOTH), DECLARED, direction="minimize")
    history = searched(searcher, 12, distance)
    assert changed(history, method)
    assert changed(history, method, searched=False)
    assert changed(history, method, state="pruned", value=9.0)
    # As open ones keep later ones away from where they are.
    assert changed(history, method, state="open", value=None)
    assert not changed(history, method, state="failed")
    assert not changed(history, method, value=float("nan"))
    assert not changed(history, method, value=None)
    assert not changed(history, method, params=history[3].params | {"width": 64})


def test_a_pruned_set_is_never_better_than_a_completed_one_to_tpe() -> None:
    searcher = searcher_for(spec_of("tpe", SMOOTH), DECLARED, direction="minimize")
    history = searched(searcher, 20, distance)
    rows = [
        Observation(30 + i, each.params, "pruned", value)
        for i, each in enumerate(history)
        for value in (0.5,)
    ]
    better = [Observation(each.number, each.params, "pruned", -1.0) for each in rows]
    assert searcher.propose(60, [*history, *rows]) == searcher.propose(60, [*history, *better])


@pytest.mark.parametrize("method", ["tpe", "gp"])
def test_optuna_says_nothing(method: str) -> None:
    code = f"""
from experiments.search.port import Observation
from experiments.search.registry import searcher_for
from tests.experiments.search.spaces import DECLARED, spec_of
searcher = searcher_for(spec_of({method!r}), DECLARED, direction="maximize")
rows = [Observation(n, searcher.propose(n, []), "completed", float(n)) for n in range(1, 14)]
searcher.propose(14, rows)
"""
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", code], check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")
