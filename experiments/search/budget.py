"""When an experiment has had enough: `budget` of experiment.yaml, parsed and checked. Pure."""

from dataclasses import dataclass
from typing import Any

from experiments.search.checks import mapping, only, refused, whole
from experiments.search.scalars import number

KEYS = ("max_parallel", "max_retries", "max_hours", "target")
MAX_PARALLEL = 64
MAX_HOURS = 24 * 366
MAX_RETRIES = 10


@dataclass(frozen=True)
class Budget:
    """Runs at a time, tries of one that fails, seconds of being active, the objective that is good enough.

    None: not said.
    """

    max_parallel: int | None = None
    max_retries: int | None = None
    max_seconds: float | None = None
    target: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As in experiment.yaml, without what is not said."""
        hours = None if self.max_seconds is None else self.max_seconds / 3600
        content = {
            "max_parallel": self.max_parallel,
            "max_retries": self.max_retries,
            "max_hours": hours,
            "target": self.target,
        }
        return {name: value for name, value in content.items() if value is not None}

    @classmethod
    def from_json(cls, content: object) -> "Budget":
        """Check and build. Raises InvalidInput whose field is a path such as `budget.max_hours`."""
        given = mapping(content, "budget")
        only(given, KEYS, "budget")
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
            max_retries=whole(given, "max_retries", None, (0, MAX_RETRIES), "budget"),
            # Rounded, so that what is written and read again stays the same.
            max_seconds=None if hours is None else max(round(hours * 3600, 3), 0.001),
            target=numbers.get("target"),
        )
