"""What a search will do, from the code that does it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.search.parameters import Parameter
from experiments.search.port import Rung
from experiments.search.registry import pruner_for, searcher_for
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec
from mlplatform.kernel.errors import InvalidInput

SHOWN = 5


@dataclass(frozen=True)
class Preview:
    """Numbers of sets and runs, the first sets, and about how many runs get how far (empty without rungs)."""

    sets: int
    runs: int
    first: tuple[ParamSet, ...]
    rungs: tuple[Rung, ...]


def preview(
    spec: SearchSpec,
    parameters: Mapping[str, Parameter],
    *,
    direction: str,
    listed: Sequence[ParamSet] = (),
    shown: int = SHOWN,
    max_steps: int | None = None,
) -> Preview:
    """Look ahead without running anything. `listed`: complete sets that people add, which come first.

    Of a search that adapts, the first sets are those that it begins with. Raises InvalidInput if the pruner needs
    `max_steps`, which is how many steps a run makes.
    """
    searcher = searcher_for(spec, parameters, direction=direction)
    pruner = pruner_for(spec.pruner, direction=direction, max_steps=max_steps)
    found = spec.size(parameters)
    ahead = min(found, searcher.startup) if searcher.adaptive else found
    proposals = [searcher.propose(number, []) for number in range(1, min(ahead, shown - len(listed)) + 1)]
    sets = len(listed) + found
    runs = sets * spec.repeat
    return Preview(
        sets=sets,
        runs=runs,
        first=(*listed[:shown], *(params for params in proposals if params is not None)),
        rungs=tuple(pruner.rungs(runs)) if pruner is not None else (),
    )


def run_count(
    search: Mapping[str, Any], parameters: Mapping[str, Parameter], listed: Sequence[ParamSet]
) -> int | None:
    """How many runs this makes at most; None where nobody can say yet."""
    try:
        spec = SearchSpec.from_json(search or ({} if listed else {"method": "grid"}), parameters)
        return (spec.size(parameters) + len(listed)) * spec.repeat or None
    except InvalidInput:
        return None
