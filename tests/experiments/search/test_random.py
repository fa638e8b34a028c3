from collections import Counter

import pytest

from experiments.search.random import uniform
from experiments.search.registry import searcher_for
from tests.contracts.searcher_contract import SearcherContract
from tests.experiments.search.spaces import DECLARED, SPACE, spec_of


class TestRandomSearcher(SearcherContract):
    method = "random"


def test_draws_are_the_same_in_every_version_of_everything() -> None:
    assert uniform(0, 1, "lr") == 0.23720791408310848


def test_draws_are_even() -> None:
    drawn = [uniform(3, number, "lr") for number in range(1, 4001)]
    assert sum(drawn) / len(drawn) == pytest.approx(0.5, abs=0.02)
    tenths = Counter(int(each * 10) for each in drawn)
    assert sorted(tenths) == list(range(10))
    assert max(tenths.values()) < 1.25 * min(tenths.values())


def test_a_parameter_more_changes_no_other() -> None:
    few = searcher_for(spec_of("random", {"lr": SPACE["lr"]}), DECLARED, direction="maximize")
    many = searcher_for(spec_of("random"), DECLARED, direction="maximize")
    for number in range(1, 20):
        one, other = few.propose(number, []), many.propose(number, [])
        assert one is not None
        assert other is not None
        assert one["lr"] == other["lr"]


def test_seeds_differ() -> None:
    proposals = [
        searcher_for(spec_of("random", seed=seed), DECLARED, direction="maximize").propose(1, [])
        for seed in range(9)
    ]
    assert len({str(each) for each in proposals}) == 9
