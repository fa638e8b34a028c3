"""States of an allocation and the moves between them."""

from django.db.models import TextChoices


class AllocationState(TextChoices):
    """Life of an allocation: waiting for room, handed to the backend, leasing runs, told to finish, over."""

    WAITING = "waiting"
    SUBMITTED = "submitted"
    RUNNING = "running"
    DRAINING = "draining"
    ENDED = "ended"


LIVE = frozenset({s.value for s in AllocationState} - {"ended"})
HOLDING = frozenset({"submitted", "running", "draining"})

MOVES = {
    "waiting": frozenset({"submitted", "ended"}),
    "submitted": frozenset({"running", "draining", "ended"}),
    "running": frozenset({"draining", "ended"}),
    "draining": frozenset({"ended"}),
    "ended": frozenset(),
}
