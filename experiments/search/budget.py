"""When an experiment has had enough: `budget` of experiment.yaml, parsed and checked. Pure."""

from dataclasses import dataclass
from typing import Any

from experiments.search.checks import mapping, only, refused, whole
from experiments.search.scalars import number

MAX_PARALLEL = 64
MAX_HOURS = 24 * 366


@dataclass(frozen=True)
class Budget:
    """Runs at a time, seconds of being active, and the objective that is good enough; None: not limited."""

    max_parallel: int | None = None
    max_seconds: float | None = None
    target: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As in experiment.yaml, without what is not limited."""
        hours = None if self.max_seconds is None else self.max_seconds / 3600
        content = {"max_parallel": self.max_parallel, "max_hours": hours, "target": self.target}
        return {name: value for name, value in content.items() if value is not None}

    @classmethod
    def from_json(cls, content: object) -> "Budget":
        """Check and build. Raises InvalidInput whose field is a path such as `budget.max_hours`."""
        given = mapping(content, "budget")
        only(given, ("max_parallel", "max_hours", "target"), "budget")
        numbers: dict[str, float] = {}
        for name in ("max_hours", "target"):
            if given.get(name) is not None:
                try:
                    numbers[name] = number(given[name])
                except ValueError as error:
                    raise refused(f"budget.{name}", str(error)) from None
        hours = numbers.get("max_hours")
        if hours is not None and not 0 < hours <= MAX_HOURS:
            raise refused("budget.max_hours", f"is {hours:g}; it must be above 0 and at most {MAX_HOURS}")
        return cls(
            max_parallel=whole(given, "max_parallel", None, (1, MAX_PARALLEL), "budget"),
            # Rounded, so that what is written and read again stays the same.
            max_seconds=None if hours is None else max(round(hours * 3600, 3), 0.001),
            target=numbers.get("target"),
        )
