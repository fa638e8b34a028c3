import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from experiments.search.port import Observation, Searcher
from experiments.search.registry import searcher_for
from experiments.search.space import ParamSet
from tests.contracts.searcher_contract import SearcherContract
from tests.experiments.search.spaces import DECLARED, spec_of

SMOOTH = {"lr": {"min": 1e-4, "max": 1}, "dropout": {}, "layers": {}}


class TestCmaEsSearcher(SearcherContract):
    method = "cmaes"


def distance(params: ParamSet) -> float:
    return (float(params["dropout"]) - 0.7) ** 2 + (int(params["layers"]) / 9 - 0.8) ** 2


def searcher(direction: str = "minimize", seed: int = 0) -> Searcher:
    return searcher_for(spec_of("cmaes", SMOOTH, seed=seed), DECLARED, direction=direction)


def in_parallel(slots: int, count: int, order: random.Random, sign: int = 1) -> Iterator[list[Observation]]:
    """The rows after every change: sets are proposed when a slot is free, and end in any order."""
    direction = "minimize" if sign == 1 else "maximize"
    rows: dict[int, Observation] = {}
    for number in range(1, count + 1):
        running = [each for each in rows.values() if each.state == "open"]
        if len(running) == slots:
            ended = order.choice(running)
            rows[ended.number] = Observation(
                ended.number, ended.params, "completed", sign * distance(ended.params)
            )
        params = searcher(direction).propose(number, list(rows.values()))
        assert params is not None
        rows[number] = Observation(number, params, "open")
        yield list(rows.values())


def closeness(rows: list[Observation]) -> float:
    last = sorted(distance(each.params) for each in rows[-20:])
    return last[len(last) // 2]


@pytest.mark.parametrize("slots", [1, 4, 8])
@pytest.mark.parametrize("sign", [1, -1])
def test_it_converges_whatever_the_order_in_which_runs_end(slots: int, sign: int) -> None:
    *_, rows = in_parallel(slots, 80, random.Random(slots), sign)
    assert closeness(rows) < closeness(rows[:20]) / 5


@pytest.mark.parametrize("slots", [1, 5])
def test_every_proposal_is_a_function_of_the_rows(slots: int) -> None:
    kept, shuffle = searcher(), random.Random(1)
    for rows in in_parallel(slots, 40, random.Random(7)):
        number = len(rows)
        before = rows[:-1]
        shuffle.shuffle(before)
        assert kept.propose(number, before) == rows[-1].params


def test_a_generation_is_what_has_a_value() -> None:
    subject = searcher()
    size = subject.startup
    params = [subject.propose(number, []) for number in range(1, size + 1)]
    rows = [Observation(n, each, "completed", float(n)) for n, each in enumerate(params, 1) if each]
    first, moved = subject.propose(50, []), subject.propose(50, rows)
    assert moved != first
    assert subject.propose(50, rows[:-1]) == first
    assert subject.propose(50, [*rows[:-1], replace(rows[-1], state="open")]) == first
    assert subject.propose(50, [*rows[:-1], replace(rows[-1], state="failed")]) == first
    assert subject.propose(50, [*rows[:-1], replace(rows[-1], state="pruned")]) == moved


def test_what_people_added_does_not_move_the_distribution() -> None:
    subject = searcher()
    rows = list(in_parallel(1, 20, random.Random(0)))[-1]
    added = [
        Observation(100 + n, each.params, "completed", -1.0, searched=False) for n, each in enumerate(rows)
    ]
    assert subject.propose(21, rows) == subject.propose(21, [*rows, *added])


def test_it_begins_elsewhere_when_it_has_converged() -> None:
    subject = searcher()
    params = subject.propose(1, [])
    assert params is not None

    def width(size: int) -> float:
        """How far proposals lie apart after so many times the same set, which shrinks the distribution to a point."""
        rows = [Observation(number, params, "completed", 1.0) for number in range(1, size + 1)]
        proposals = [subject.propose(number, rows) for number in range(1, 6)]
        drawn = [float(each["dropout"]) for each in proposals if each is not None]
        return max(drawn) - min(drawn)

    widths = [width(size) for size in range(60, 260, 20)]
    narrow = next(index for index, each in enumerate(widths) if each < 0.01)
    assert max(widths[narrow:]) > 0.1
