"""People list the sets, so there is nothing to propose."""

from collections.abc import Mapping, Sequence

from experiments.search.parameters import Parameter
from experiments.search.port import Observation
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec


class ListSearcher:
    """See `port.Searcher`."""

    adaptive = False
    startup = 0

    def __init__(self, spec: SearchSpec, parameters: Mapping[str, Parameter], *, direction: str) -> None:
        """Takes what every searcher takes."""

    def propose(self, number: int, history: Sequence[Observation]) -> ParamSet | None:
        """See `port.Searcher`."""
        return None
