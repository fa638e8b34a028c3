"""Which limits apply to the allocations of a backend."""

from collections.abc import Iterable

from runners.limits import Limits
from runners.models import Allocation


def limits_for(backend: str, allocations: Iterable[Allocation]) -> Limits:
    """Caps and gates for everything that waits or holds at the backend."""
    del backend, allocations
    return Limits()
