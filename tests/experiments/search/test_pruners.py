import random
from collections import Counter

import optuna
import pytest
from optuna.pruners import BasePruner, SuccessiveHalvingPruner
from optuna.pruners import MedianPruner as OptunasMedian
from optuna.study import StudyDirection
from optuna.trial import TrialState

from experiments.search.port import Rung
from experiments.search.pruner_spec import PrunerSpec
from experiments.search.pruners import AshaPruner, HyperbandPruner, MedianPruner
from mlplatform.kernel.errors import InvalidInput
from tests.contracts.pruner_contract import PrunerContract

DIRECTIONS = ("maximize", "minimize")


class TestMedianPruner(PrunerContract):
    method = "median"
    options = {"startup_runs": 3, "warmup_steps": 4, "interval": 5}


class TestAshaPruner(PrunerContract):
    method = "asha"


class TestHyperbandPruner(PrunerContract):
    method = "hyperband"


def curves(seed: int, count: int, steps: int, direction: str) -> list[list[float]]:
    draw, sign = random.Random(seed), 1 if direction == "maximize" else -1
    ends = [draw.random() for _ in range(count)]
    return [
        [sign * (end * (1 - 0.8**step) + draw.gauss(0, 0.1)) for step in range(1, steps + 1)] for end in ends
    ]


def optunas(pruner: BasePruner, values: list[list[float]], direction: str) -> list[int]:
    """After how many steps Optuna stops each curve, one run after the other."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction=StudyDirection[direction.upper()], pruner=pruner)
    lengths = []
    for curve in values:
        trial, step = study.ask(), 0
        for step, value in enumerate(curve, 1):
            trial.report(value, step)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, curve[-1])
        lengths.append(step)
    return lengths


def ours(
    pruner: MedianPruner | AshaPruner, values: list[list[float]], direction: str, *, ended: bool
) -> list[int]:
    """The same with ours. `ended`: only completed runs are compared with, which is what Optuna's median takes."""
    better = max if direction == "maximize" else min
    lengths: list[int] = []
    for number, curve in enumerate(values, 1):
        step = 0
        for step in range(1, len(curve) + 1):
            there = {
                run: values[run - 1][step - 1]
                for run, length in enumerate(lengths, 1)
                if length >= step and (length == len(curve) or not ended)
            }
            there[number] = curve[step - 1]
            if pruner.checks(number, step, step) and pruner.prunes(number, step, better(curve[:step]), there):
                break
        lengths.append(step)
    return lengths


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("startup", "warmup", "interval"), [(5, 0, 1), (1, 3, 1), (4, 2, 3), (2, 7, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_median_agrees_with_optuna(
    direction: str, startup: int, warmup: int, interval: int, seed: int
) -> None:
    values = curves(seed, 40, 20, direction)
    spec = PrunerSpec("median", startup_runs=startup, warmup_steps=warmup, interval=interval)
    expected = optunas(
        OptunasMedian(n_startup_trials=startup, n_warmup_steps=warmup, interval_steps=interval),
        values,
        direction,
    )
    pruner = MedianPruner(spec, direction=direction, max_steps=None)
    assert ours(pruner, values, direction, ended=True) == expected
    assert 0 < sum(length < 20 for length in expected) < 40


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("min_steps", "reduction"), [(1, 3), (2, 2), (1, 4), (3, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_asha_agrees_with_optuna(direction: str, min_steps: int, reduction: int, seed: int) -> None:
    values = curves(seed, 60, 30, direction)
    expected = optunas(
        SuccessiveHalvingPruner(min_resource=min_steps, reduction_factor=reduction), values, direction
    )
    spec = PrunerSpec("asha", min_steps=min_steps, reduction=reduction)
    pruner = AshaPruner(spec, direction=direction, max_steps=None)
    assert ours(pruner, values, direction, ended=False) == expected
    assert 0 < sum(length < 30 for length in expected) < 60


def test_median_counts_its_steps_from_the_warm_up() -> None:
    spec = PrunerSpec("median", warmup_steps=4, interval=3)
    pruner = MedianPruner(spec, direction="maximize", max_steps=14)
    assert pruner.checks(1, 1, 100) == [4, 7, 10, 13]
    assert pruner.checks(1, 5, 9) == [7]
    every = MedianPruner(PrunerSpec("median"), direction="maximize", max_steps=None)
    assert every.checks(1, 1, 3) == [1, 2, 3]


def test_median_waits_for_enough_others() -> None:
    pruner = MedianPruner(PrunerSpec("median", startup_runs=2), direction="maximize", max_steps=None)
    assert not pruner.prunes(1, 3, 0.0, {1: 0.0, 2: 1.0})
    assert pruner.prunes(1, 3, 0.0, {1: 0.0, 2: 1.0, 3: 1.0})
    # Its best value counts, not the one at the step.
    assert not pruner.prunes(1, 3, 1.0, {1: 0.0, 2: 1.0, 3: 1.0})


def test_asha_rungs() -> None:
    pruner = AshaPruner(PrunerSpec("asha", min_steps=2), direction="maximize", max_steps=20)
    assert pruner.checks(1, 1, 100) == [2, 6, 18]
    assert pruner.checks(1, 3, 6) == [6]
    assert pruner.rungs(40) == [Rung(2, 40), Rung(6, 13), Rung(18, 4), Rung(20, 1)]
    endless = AshaPruner(PrunerSpec("asha"), direction="maximize", max_steps=None)
    assert endless.rungs(10) == [Rung(1, 10), Rung(3, 3), Rung(9, 1)]
    assert (
        AshaPruner(PrunerSpec("asha", min_steps=9), direction="maximize", max_steps=9).checks(1, 1, 9) == []
    )


def test_hyperband_needs_the_number_of_steps() -> None:
    with pytest.raises(InvalidInput, match="progress") as caught:
        HyperbandPruner(PrunerSpec("hyperband"), direction="maximize", max_steps=None)
    assert caught.value.field == "search.pruner.method"
    with pytest.raises(InvalidInput, match="is 9, but a run makes only 8 steps") as caught:
        HyperbandPruner(PrunerSpec("hyperband", min_steps=9), direction="maximize", max_steps=8)
    assert caught.value.field == "search.pruner.min_steps"


def test_hyperband_spreads_runs_over_its_brackets() -> None:
    pruner = HyperbandPruner(PrunerSpec("hyperband"), direction="maximize", max_steps=27)
    # As in the paper, for four brackets: 27, 12, 6 and 4 of 49.
    shares = Counter(pruner.bracket(number) for number in range(1, 4901))
    assert {bracket: round(count / 100) for bracket, count in shares.items()} == {0: 27, 1: 12, 2: 6, 3: 4}
    # None has to wait for its share.
    assert {pruner.bracket(number) for number in range(1, 13)} == {0, 1, 2, 3}
    steps = {pruner.bracket(number): pruner.checks(number, 1, 100) for number in range(1, 50)}
    assert steps == {0: [1, 3, 9], 1: [3, 9], 2: [9], 3: []}


def test_hyperband_compares_within_a_bracket() -> None:
    pruner = HyperbandPruner(PrunerSpec("hyperband"), direction="maximize", max_steps=27)
    number = next(number for number in range(1, 50) if pruner.bracket(number) == 1)
    others = {run: 1.0 for run in range(1, 50) if pruner.bracket(run) != 1}
    assert not pruner.prunes(number, 3, 0.0, {**others, number: 0.0})
    rivals = {run: 1.0 for run in range(1, 50) if pruner.bracket(run) == 1}
    assert pruner.prunes(number, 3, 0.0, {**rivals, number: 0.0})


def test_hyperband_rungs_add_up() -> None:
    rungs = HyperbandPruner(PrunerSpec("hyperband"), direction="maximize", max_steps=27).rungs(49)
    assert [rung.step for rung in rungs] == [1, 3, 9, 27]
    assert rungs[0].runs == 49
    # Brackets of 27, 12, 6 and 4 runs: a third of the first one stops at 1, and so on.
    assert [rung.runs for rung in rungs[1:]] == pytest.approx(
        [9 + 12 + 6 + 4, 3 + 4 + 6 + 4, 1 + 1 + 2 + 4], abs=2
    )
