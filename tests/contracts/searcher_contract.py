"""What every Searcher must do. A searcher's test class inherits it and says its `method`."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.search.port import Observation, Searcher
from experiments.search.registry import SEARCHERS, searcher_for
from experiments.search.space import ParamSet, complete
from experiments.search.spec import SearchSpec
from tests.experiments.search.spaces import DECLARED, SPACE, spec_of

DIRECTIONS = ("maximize", "minimize")
# A contract is one test in several classes, which is what that health check is about.
FEW = settings(max_examples=15, suppress_health_check=[HealthCheck.differing_executors])


def outcomes(numbers: range) -> st.SearchStrategy[list[tuple[str, float | None]]]:
    """What became of the sets of these numbers: anything, also values that no search can use."""
    value = st.none() | st.floats(-1e6, 1e6) | st.sampled_from([float("nan"), float("inf"), -1e308])
    state = st.sampled_from(["open", "completed", "pruned", "failed"])
    return st.lists(st.tuples(state, value), min_size=len(numbers), max_size=len(numbers))


class SearcherContract:
    """To provide: `method`, and `space` and `runs` if SPACE and 40 do not suit it."""

    method: str
    space: Any = SPACE
    runs: int | None = 40

    def spec(self, **more: Any) -> SearchSpec:
        return spec_of(self.method, self.space, self.runs, **more)

    def searcher(self, direction: str = "maximize", **more: Any) -> Searcher:
        return searcher_for(self.spec(**more), DECLARED, direction=direction)

    def observed(self, results: list[tuple[str, float | None]], searcher: Searcher) -> Iterator[Observation]:
        """A history in which each set was proposed with nothing known, as when all run at once."""
        for number, (state, value) in enumerate(results, 1):
            if params := searcher.propose(number, []):
                yield Observation(number, params, state, value)  # type: ignore[arg-type]

    def run(self, searchers: Iterator[Searcher], count: int) -> list[ParamSet]:
        """Propose one set after the other, each known to all that follow."""
        history: list[Observation] = []
        for number in range(1, count + 1):
            params = next(searchers).propose(number, history)
            assert params is not None
            score = -abs(float(params["lr"]) - 0.05) - float(params["dropout"])
            history.append(Observation(number, params, "completed", score))
        return [observation.params for observation in history]

    @FEW
    @given(
        results=st.integers(0, 25).flatmap(lambda n: outcomes(range(n))),
        direction=st.sampled_from(DIRECTIONS),
    )
    def test_a_proposal_is_a_complete_set_of_the_space(
        self, results: list[tuple[str, float | None]], direction: str
    ) -> None:
        searcher, spec = self.searcher(direction), self.spec()
        history = list(self.observed(results, searcher))
        params = searcher.propose(len(history) + 1, history)
        assert params is not None
        assert complete(DECLARED, params) == params
        assert spec.allows(DECLARED, params)
        assert ("momentum" in params) == (params["optimizer"] == "sgd")

    @FEW
    @given(results=st.integers(0, 25).flatmap(lambda n: outcomes(range(n))), seed=st.integers(0, 9))
    def test_the_same_rows_give_the_same_set_whatever_was_asked_before(
        self, results: list[tuple[str, float | None]], seed: int
    ) -> None:
        searcher = self.searcher(seed=seed)
        history = list(self.observed(results, searcher))
        number = len(history) + 1
        searcher.propose(number + 5, history[: number // 2])
        first = searcher.propose(number, history)
        assert first == searcher.propose(number, list(reversed(history)))
        assert first == self.searcher(seed=seed).propose(number, history)

    def test_a_restart_changes_nothing(self) -> None:
        kept = self.searcher()
        without = self.run(iter(lambda: kept, None), 14)
        assert without == self.run(iter(self.searcher, None), 14)

    def test_what_a_proposal_does_not_change_is_its_arguments(self) -> None:
        searcher = self.searcher()
        history = list(self.observed([("completed", 1.0), ("open", None)] * 8, searcher))
        before = [(each, dict(each.params)) for each in history]
        first = searcher.propose(17, history)
        assert first is not None
        first.clear()
        assert [(each, dict(each.params)) for each in history] == before
        assert searcher.propose(17, history) != first

    def test_what_does_not_adapt_ignores_results(self) -> None:
        searcher = self.searcher()
        if searcher.adaptive:
            pytest.skip("adapts")
        history = list(self.observed([("completed", 1.0)] * 20, searcher))
        assert searcher.propose(21, history) == searcher.propose(21, [])

    def test_what_adapts_begins_with_sets_that_do_not(self) -> None:
        searcher = self.searcher()
        if not searcher.adaptive:
            pytest.skip("does not adapt")
        assert searcher.startup > 0
        last = searcher.startup
        history = list(self.observed([("completed", 1.0)] * (last - 1), searcher))
        assert searcher.propose(last, history) == searcher.propose(last, [])

    def test_it_is_in_the_table(self) -> None:
        assert self.method in SEARCHERS
