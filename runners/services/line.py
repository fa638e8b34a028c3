"""The lines for the backends, to whoever looks at them: something is different now."""

from typing import Any

from mlplatform.http.live import group_name, publish
from mlplatform.kernel.states import move
from runners.models import Allocation
from runners.places import QUEUE
from runners.states import MOVES, AllocationState


def line_changed() -> None:
    """Tell the pages when the current transaction commits. They are told that, and fetch what they may see."""
    publish([group_name(*QUEUE)], {"what": QUEUE[0]})


def allocation_move(allocation: Allocation, state: AllocationState, **changes: Any) -> bool:
    """Change its state, with what changes along; whether nobody else was faster."""
    moved = move(MOVES, allocation, state, **changes)
    if moved:
        line_changed()
    return moved
