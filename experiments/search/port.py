"""What finds parameter sets, and what stops runs early. Both are pure functions of rows: they keep nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from experiments.search.space import ParamSet

SetState = Literal["open", "completed", "pruned", "failed"]


@dataclass(frozen=True)
class Observation:
    """A parameter set that the experiment has, by whomever it was added, with what is known about it.

    `number` orders the sets of an experiment. `value` is the objective so far or at the end, None if unknown.
    """

    number: int
    params: ParamSet
    state: SetState
    value: float | None = None
    # False if a person added it.
    searched: bool = True


@dataclass(frozen=True)
class Rung:
    """A step at which runs are judged, and about how many runs get that far."""

    step: int
    runs: int


class Searcher(Protocol):
    """Proposes parameter sets. The same arguments give the same set, also from a new object in a new process."""

    # Whether proposals depend on results. Those that do begin with `startup` sets that do not.
    adaptive: bool
    startup: int

    def propose(self, number: int, history: Sequence[Observation]) -> ParamSet | None:
        """The number-th set (from 1) of this searcher; None where the space has no more."""
        ...


class Pruner(Protocol):
    """Judges runs while they train. A step is one report of a run; the first is 1."""

    def checks(self, number: int, first: int, last: int) -> list[int]:
        """The steps from `first` to `last`, both included, at which the run of this number is judged."""
        ...

    def prunes(self, number: int, step: int, best: float, values: Mapping[int, float]) -> bool:
        """Whether the run stops after this step.

        `best` is its best objective up to the step; `values` has the objective at the step, by run number, of every
        run that reported it, this one included. NaN is worse than any number.
        """
        ...

    def rungs(self, runs: int) -> list[Rung]:
        """Where so many runs are expected to stop; empty for a pruner without rungs."""
        ...
