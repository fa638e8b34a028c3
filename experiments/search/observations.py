"""What adaptive searchers learn from. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from experiments.search.parameters import Parameter
from experiments.search.port import Observation
from experiments.search.spec import SearchSpec

# A model works with squares of values.
LARGEST = 1e100


def usable(
    spec: SearchSpec, parameters: Mapping[str, Parameter], history: Sequence[Observation]
) -> Iterator[Observation]:
    """In order of their numbers: open sets, and ended ones with a value, that lie in the searched space.

    A failed set says nothing about the objective. One that a person added counts if the search could have made it:
    another learning rate schedule or number of epochs would be another question.
    """
    for observation in sorted(history, key=lambda each: each.number):
        if observation.state == "failed" or not spec.allows(parameters, observation.params):
            continue
        if observation.state == "open":
            yield replace(observation, value=None)
        elif observation.value is not None and math.isfinite(observation.value):
            yield replace(observation, value=min(max(observation.value, -LARGEST), LARGEST))
