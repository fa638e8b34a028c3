"""Every combination of the space, once. The n-th set is the n-th combination, the last name varying fastest."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from experiments.search.parameters import Parameter
from experiments.search.port import Observation
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec


class GridSearcher:
    """See `port.Searcher`."""

    adaptive = False
    startup = 0

    def __init__(self, spec: SearchSpec, parameters: Mapping[str, Parameter], *, direction: str) -> None:
        self._spec = spec
        self._parameters = parameters

    def propose(self, number: int, history: Sequence[Observation]) -> ParamSet | None:
        """See `port.Searcher`. The first call enumerates the whole grid, which is at most MAX_RUNS sets."""
        return dict(self._sets[number - 1]) if number <= len(self._sets) else None

    @cached_property
    def _sets(self) -> list[ParamSet]:
        return self._spec.grid(self._parameters)
