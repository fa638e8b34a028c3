from typing import Any

import pytest

from experiments.search.port import Rung
from experiments.search.preview import Preview, preview
from experiments.search.random import RandomSearcher
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec
from mlplatform.kernel.errors import InvalidInput
from tests.experiments.search.spaces import DECLARED, spec_of


def ahead(spec: SearchSpec, **more: Any) -> Preview:
    return preview(spec, DECLARED, direction="maximize", **more)


def random_sets(spec: SearchSpec, count: int) -> tuple[ParamSet | None, ...]:
    draws = RandomSearcher(spec, DECLARED, direction="maximize")
    return tuple(draws.propose(number, []) for number in range(1, count + 1))


def test_a_grid_is_as_large_as_it_is() -> None:
    space = {"optimizer": {}, "momentum": [0.5, 0.9], "layers": [1, 2]}
    whole = ahead(spec_of("grid", space, None, repeat=3), shown=2)
    assert (whole.sets, whole.runs, whole.rungs) == (6, 18, ())
    assert [(each["layers"], each["optimizer"]) for each in whole.first] == [(1, "adam"), (1, "sgd")]
    assert ahead(spec_of("grid", space, 4)).sets == 4
    assert ahead(spec_of("grid", space, 40)).sets == 6


@pytest.mark.parametrize("method", ["random", "tpe", "cmaes"])
def test_the_first_sets_are_the_ones_that_will_run(method: str) -> None:
    seen = ahead(spec_of(method, runs=3))
    assert (seen.sets, seen.runs, len(seen.first)) == (3, 3, 3)
    if method != "cmaes":
        assert seen.first == random_sets(spec_of(method), 3)


def test_of_what_adapts_only_the_beginning_is_known() -> None:
    assert len(ahead(spec_of("tpe"), shown=40).first) == 10
    assert len(ahead(spec_of("random"), shown=40).first) == 40


def test_what_people_list_comes_first() -> None:
    listed: list[ParamSet] = [{"lr": 0.1}, {"lr": 0.2}]
    only = ahead(SearchSpec(repeat=2), listed=listed)
    assert (only.sets, only.runs, only.first) == (2, 4, tuple(listed))
    both = ahead(spec_of("random", runs=9), listed=listed, shown=3)
    assert (both.sets, both.first) == (11, (*listed, *random_sets(spec_of("random"), 1)))
    assert ahead(spec_of("random"), listed=listed, shown=1).first == ({"lr": 0.1},)


def test_rungs_are_for_all_runs() -> None:
    spec = spec_of("random", runs=20, repeat=2, pruner={"method": "asha", "min_steps": 2})
    assert ahead(spec, max_steps=10).rungs == (Rung(2, 40), Rung(6, 13), Rung(10, 4))


def test_a_pruner_that_needs_the_number_of_steps_says_so() -> None:
    with pytest.raises(InvalidInput, match="progress"):
        ahead(spec_of("random", pruner={"method": "hyperband"}))
