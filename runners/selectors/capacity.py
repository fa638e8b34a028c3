"""What the backends have, and how much of it is held."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings

from runners.models import Allocation
from runners.registry import backend_get
from runners.states import HOLDING


@dataclass(frozen=True)
class Use:
    """One kind of what a backend has; `others` is the part of `held` that is not one's own."""

    words: str
    total: float
    held: float
    others: float

    @property
    def free(self) -> float:
        """What may be asked for now."""
        return max(self.total - self.held, 0)


@dataclass(frozen=True)
class Capacity:
    """A backend: what it has of each kind."""

    name: str
    uses: list[Use]


def allocations_holding() -> list[Allocation]:
    """All that hold something of a backend, oldest first. One query."""
    return list(
        Allocation.objects.filter(state__in=HOLDING).defer("environment", "requirements", "end_detail")
    )


def capacities(holding: Iterable[Allocation], others: Iterable[Allocation] = ()) -> list[Capacity]:
    """Every backend with what is held; of kinds that it has. No query."""
    held, foreign = list(holding), list(others)
    found = []
    for name in settings.BACKENDS:
        backend = backend_get(name)
        kinds: tuple[tuple[str, float, Callable[[Allocation], float]], ...] = (
            ("CPUs", backend.cpus, lambda each: each.cpus),
            ("GPUs", backend.gpus, lambda each: each.gpus),
            ("GiB of memory", backend.memory, lambda each: each.memory),
        )
        ours = [each for each in held if each.backend == name]
        theirs = [each for each in foreign if each.backend == name]
        uses = [
            Use(words, total, sum(map(amount, ours)), sum(map(amount, theirs)))
            for words, total, amount in kinds
            if total
        ]
        found.append(Capacity(name, uses))
    return found
