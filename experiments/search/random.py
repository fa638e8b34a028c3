"""Independent draws. The n-th set depends on nothing but the seed and n."""

import hashlib
from collections.abc import Mapping, Sequence

from experiments.search.domains import Domain
from experiments.search.parameters import Parameter
from experiments.search.port import Observation
from experiments.search.scalars import Value
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec


class RandomSearcher:
    """See `port.Searcher`."""

    adaptive = False
    startup = 0

    def __init__(self, spec: SearchSpec, parameters: Mapping[str, Parameter], *, direction: str) -> None:
        self._spec = spec
        self._parameters = parameters

    def propose(self, number: int, history: Sequence[Observation]) -> ParamSet | None:
        """See `port.Searcher`. Never exhausted; a small space gives the same set again."""

        def choose(domain: Domain) -> Value:
            return domain.at(uniform(self._spec.seed, number, domain.name))

        return self._spec.draw(self._parameters, choose)


def uniform(seed: int, number: int, name: str) -> float:
    """A number from 0 to 1 (never 1) for a parameter of the n-th set; no other parameter has a part in it.

    A hash rather than a generator: it gives the same in every version of every library.
    """
    digest = hashlib.sha256(f"{seed}:{number}:{name}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53
