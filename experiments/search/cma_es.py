"""CMA-ES: moves a normal distribution over the ranges of numbers. By `cmaes`, which is what Optuna's sampler runs.

Optuna's sampler keeps the optimizer as a pickle in the attributes of its trials. But the optimizer is a function of
what it was told, and asking does not change it; so we tell a new one the rows again, in order of their numbers, and ask
it with a generator seeded from (seed, number).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from cmaes import CMA

from experiments.search.domains import Domain
from experiments.search.observations import usable
from experiments.search.parameters import Parameter
from experiments.search.port import Observation
from experiments.search.random import uniform
from experiments.search.scalars import Value
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec, moved

# Of the width of each range, as Optuna begins.
FIRST_SIGMA = 1 / 6


class CmaEsSearcher:
    """See `port.Searcher`. What is no range of numbers, or has a condition, is drawn at random.

    A generation is the next so many sets of ours that have a value, in order of their numbers. So a slow run holds up
    nobody; with several at a time, some sets of a generation were drawn from the one before, which the optimizer
    stands, as it looks at where a set lies and how it ranks. Failed sets are left out, pruned ones count with their
    last value. Sets that people added are left out: they are no draws of the distribution, and many would ruin it.
    """

    adaptive = True

    def __init__(self, spec: SearchSpec, parameters: Mapping[str, Parameter], *, direction: str) -> None:
        self._spec = spec
        self._parameters = parameters
        self._sign = -1 if direction == "maximize" else 1
        self._moved = moved(spec, parameters)
        self.startup = self._started(np.full(len(self._moved), 0.5)).population_size

    def propose(self, number: int, history: Sequence[Observation]) -> ParamSet | None:
        """See `port.Searcher`. Costs about 0.2 ms per set of the history."""
        optimizer = self._told(history)
        optimizer.reseed_rng(int(uniform(self._spec.seed, number, "") * 2**32))
        positions = dict(zip(self._moved, optimizer.ask().tolist(), strict=True))

        def choose(domain: Domain) -> Value:
            return domain.at(positions.get(domain.name, uniform(self._spec.seed, number, domain.name)))

        return self._spec.draw(self._parameters, choose)

    def _told(self, history: Sequence[Observation]) -> CMA:
        """The optimizer after every full generation; one that has converged begins again elsewhere."""
        optimizer = self._started(np.full(len(self._moved), 0.5))
        generation: list[tuple[np.ndarray, float]] = []
        for observation in usable(self._spec, self._parameters, history):
            if observation.value is None or not observation.searched:
                continue
            generation.append((self._positions(observation.params), self._sign * observation.value))
            if len(generation) == optimizer.population_size:
                optimizer.tell(generation)
                generation = []
                if optimizer.should_stop():
                    optimizer = self._started(self._elsewhere(observation.number))
        return optimizer

    def _started(self, mean: np.ndarray) -> CMA:
        size = len(self._moved)
        bounds = np.array([[0.0, 1.0]] * size)
        return CMA(mean=mean, sigma=FIRST_SIGMA, bounds=bounds, n_max_resampling=10 * size, seed=0)

    def _positions(self, params: ParamSet) -> np.ndarray:
        return np.array([each.position(float(params[name])) for name, each in self._moved.items()])

    def _elsewhere(self, number: int) -> np.ndarray:
        return np.array([uniform(self._spec.seed, number, f"{name} again") for name in self._moved])
