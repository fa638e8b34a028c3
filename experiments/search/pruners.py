"""Stopping runs that will not win: median, ASHA, Hyperband. Pure functions of the values at a step.

Optuna's own keep what they decided in attributes of its storage; these need nothing but rows, so that a judgement that
is made twice, late, or in another process is the same one. A run that makes all its steps is never judged at the last.
"""

import math
from collections.abc import Iterator, Mapping
from statistics import median

from experiments.search.checks import refused
from experiments.search.port import Rung
from experiments.search.pruner_spec import FIELD, PrunerSpec

# Multiples of it spread evenly over 0..1, however many there are.
GOLDEN = (math.sqrt(5) - 1) / 2


class MedianPruner:
    """Stops a run whose best value so far is worse than the median of the others at the same step."""

    def __init__(self, spec: PrunerSpec, *, direction: str, max_steps: int | None) -> None:
        self._spec = spec
        self._score = Score(direction)
        self._max_steps = max_steps

    def checks(self, number: int, first: int, last: int) -> list[int]:
        """See `port.Pruner`."""
        begin, interval = self._spec.warmup_steps, self._spec.interval
        last = last if self._max_steps is None else min(last, self._max_steps - 1)
        # The first step from `first` on that is a whole number of intervals after the warm-up.
        start = max(first, begin, 1)
        return list(range(start + (begin - start) % interval, last + 1, interval))

    def prunes(self, number: int, step: int, best: float, values: Mapping[int, float]) -> bool:
        """See `port.Pruner`."""
        others = [self._score(value) for run, value in values.items() if run != number]
        return len(others) >= self._spec.startup_runs and self._score(best) < median(others)

    def rungs(self, runs: int) -> list[Rung]:
        """See `port.Pruner`. Where the median lies is not known before."""
        return []


class AshaPruner:
    """Asynchronous successive halving: at each rung, one of `reduction` runs goes on, of those that came so far yet.

    Rungs are at min_steps, min_steps × reduction, min_steps × reduction², …
    """

    def __init__(
        self, spec: PrunerSpec, *, direction: str, max_steps: int | None, first_rung: int | None = None
    ) -> None:
        self._spec = spec
        self._score = Score(direction)
        self._max_steps = max_steps
        self._first_rung = first_rung or spec.min_steps

    def checks(self, number: int, first: int, last: int) -> list[int]:
        """See `port.Pruner`."""
        return [step for step in self._steps(last) if step >= first]

    def prunes(self, number: int, step: int, best: float, values: Mapping[int, float]) -> bool:
        """See `port.Pruner`."""
        if math.isnan(values[number]):
            return True
        scores = sorted(map(self._score, values.values()), reverse=True)
        # The first ones at a rung have too few to compare with: the best of them goes on.
        promoted = max(len(scores) // self._spec.reduction, 1)
        return self._score(values[number]) < scores[promoted - 1]

    def rungs(self, runs: int) -> list[Rung]:
        """See `port.Pruner`. Without `max_steps`, up to the rung that one run reaches."""
        reached = list[Rung]()
        for step in self._steps(math.inf):
            if self._max_steps is None and reached and reached[-1].runs <= 1:
                break
            reached.append(Rung(step, runs))
            runs = max(runs // self._spec.reduction, min(runs, 1))
        return reached if self._max_steps is None else [*reached, Rung(self._max_steps, runs)]

    def _steps(self, last: float) -> Iterator[int]:
        last = last if self._max_steps is None else min(last, self._max_steps - 1)
        step = self._first_rung
        while step <= last:
            yield step
            step *= self._spec.reduction


class HyperbandPruner:
    """Several ASHA side by side, the next one beginning at the next rung, against stopping slow starters too early.

    A run belongs to one of them by its number. Each gets a share of the runs so that all take about as many steps.
    """

    def __init__(self, spec: PrunerSpec, *, direction: str, max_steps: int | None) -> None:
        if max_steps is None:
            raise refused(
                f"{FIELD}.method",
                "is hyperband, which needs to know how many steps a run makes; name a parameter or a number as "
                "progress, or choose asha",
            )
        if spec.min_steps > max_steps:
            raise refused(
                f"{FIELD}.min_steps",
                f"is {spec.min_steps}, but a run makes only {max_steps} steps; make it smaller",
            )
        firsts = [spec.min_steps]
        while firsts[-1] * spec.reduction <= max_steps:
            firsts.append(firsts[-1] * spec.reduction)
        self._max_steps = max_steps
        self._brackets = [
            AshaPruner(spec, direction=direction, max_steps=max_steps, first_rung=first) for first in firsts
        ]
        count = len(firsts)
        # As in the paper: of the bracket that can halve s times, count × reduction^s / (s + 1) runs.
        self._weights = [
            math.ceil(count * spec.reduction**halvings / (halvings + 1))
            for halvings in reversed(range(count))
        ]

    def bracket(self, number: int) -> int:
        """To which of them a run belongs, the one that stops earliest being 0."""
        place = number * GOLDEN % 1 * sum(self._weights)
        for index, weight in enumerate(self._weights):
            place -= weight
            if place < 0:
                return index
        return len(self._weights) - 1

    def checks(self, number: int, first: int, last: int) -> list[int]:
        """See `port.Pruner`."""
        return self._brackets[self.bracket(number)].checks(number, first, last)

    def prunes(self, number: int, step: int, best: float, values: Mapping[int, float]) -> bool:
        """See `port.Pruner`. Only runs of its own bracket compete with it."""
        bracket = self.bracket(number)
        rivals = {run: value for run, value in values.items() if self.bracket(run) == bracket}
        return self._brackets[bracket].prunes(number, step, best, rivals)

    def rungs(self, runs: int) -> list[Rung]:
        """See `port.Pruner`. A run whose bracket begins later passes the rungs before without being judged."""
        members = [0] * len(self._brackets)
        for number in range(1, runs + 1):
            members[self.bracket(number)] += 1
        reached: dict[int, int] = {}
        steps = [rung.step for rung in self._brackets[0].rungs(runs)]
        for bracket, count in zip(self._brackets, members, strict=True):
            rungs = {rung.step: rung.runs for rung in bracket.rungs(count)}
            for step in steps:
                reached[step] = reached.get(step, 0) + rungs.get(step, count)
        return [Rung(step, count) for step, count in reached.items()]


class Score:
    """Of a value: larger is better in either direction, and NaN is the worst."""

    def __init__(self, direction: str) -> None:
        self._sign = 1 if direction == "maximize" else -1

    def __call__(self, value: float) -> float:
        """The score."""
        return -math.inf if math.isnan(value) else self._sign * value
