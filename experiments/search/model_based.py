"""Searchers that begin at random and then ask a model of the results, which is loaded when it is asked first.

So looking ahead costs nothing: Optuna takes a second and much memory, which a web process never needs.
"""

from collections.abc import Mapping, Sequence

from experiments.search.loading import load
from experiments.search.observations import usable
from experiments.search.parameters import Parameter
from experiments.search.port import Observation
from experiments.search.random import RandomSearcher
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec


class TpeSearcher:
    """See `port.Searcher`."""

    adaptive = True
    startup = 10
    model = "experiments.search.optuna_samplers:TpeModel"

    def __init__(self, spec: SearchSpec, parameters: Mapping[str, Parameter], *, direction: str) -> None:
        self._spec = spec
        self._parameters = parameters
        self._direction = direction
        self._random = RandomSearcher(spec, parameters, direction=direction)

    def propose(self, number: int, history: Sequence[Observation]) -> ParamSet | None:
        """See `port.Searcher`. Until `startup` sets have a value, what the random searcher proposes."""
        known = list(usable(self._spec, self._parameters, history))
        if sum(observation.value is not None for observation in known) < self.startup:
            return self._random.propose(number, history)
        model = load(self.model)(self._spec, self._parameters, direction=self._direction)
        params: ParamSet = model.propose(number, known)
        return params


class GpSearcher(TpeSearcher):
    """See `port.Searcher`."""

    model = "experiments.search.optuna_samplers:GpModel"
