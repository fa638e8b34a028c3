"""How runs are stopped early: `search.pruner` of experiment.yaml, parsed and checked. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.search.checks import mapping, only, refused, whole
from experiments.search.scalars import shown

FIELD = "search.pruner"
# The options of each method with their smallest values; their defaults are PrunerSpec's.
OPTIONS: Mapping[str, Mapping[str, int]] = {
    "none": {},
    "median": {"startup_runs": 1, "warmup_steps": 0, "interval": 1},
    "asha": {"min_steps": 1, "reduction": 2},
    "hyperband": {"min_steps": 1, "reduction": 2},
}
LARGEST = 10**9


@dataclass(frozen=True)
class PrunerSpec:
    """A pruner and its options; those of other methods stay at their defaults and mean nothing."""

    method: str
    # asha, hyperband: the first rung, and of how many runs at a rung one goes on.
    min_steps: int = 1
    reduction: int = 3
    # median: how many other runs must have come as far, steps that are never judged, and steps between judgements.
    startup_runs: int = 5
    warmup_steps: int = 0
    interval: int = 1

    def to_json(self) -> dict[str, Any]:
        """As in experiment.yaml."""
        return {"method": self.method, **{name: getattr(self, name) for name in OPTIONS[self.method]}}

    @classmethod
    def from_json(cls, content: object) -> "PrunerSpec | None":
        """Check and build; None for no pruner. Raises InvalidInput whose field is a path."""
        given = mapping(content, FIELD)
        method = given.get("method", "none")
        if not isinstance(method, str) or method not in OPTIONS:
            raise refused(f"{FIELD}.method", f"is {shown(method)}; choose one of {', '.join(OPTIONS)}")
        options = OPTIONS[method]
        if "method" not in given and given:
            raise refused(f"{FIELD}.method", f"is missing; choose one of {', '.join(OPTIONS)}")
        only(given, ("method", *options), FIELD)
        values = {
            name: whole(given, name, getattr(cls, name), (least, LARGEST), FIELD)
            for name, least in options.items()
        }
        return None if method == "none" else cls(method=method, **values)
