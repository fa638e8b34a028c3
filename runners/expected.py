"""How long things probably take, as far as whoever asked for an allocation knows."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Expected:
    """Of one owner: seconds that one piece of its work takes, at the median and nine times in ten at most.

    None: nothing is known. `queued` pieces wait for its allocations.
    """

    run: float | None = None
    run_late: float | None = None
    queued: int = 0


UNKNOWN = Expected()
# The owners of what waits and holds; asked only where something waits.
Expect = Callable[[Collection[UUID]], Mapping[UUID, Expected]]


def nothing_known(owners: Collection[UUID]) -> Mapping[UUID, Expected]:
    """For whoever has no history to judge by."""
    del owners
    return {}
