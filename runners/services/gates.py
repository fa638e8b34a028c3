"""A month's hours are used up: what trains finishes, and its workers take up nothing more."""

from django.conf import settings

from runners.limits import scopes_of
from runners.models import Allocation
from runners.selectors.limits import limits_for
from runners.services.allocations import allocation_drain
from runners.states import AllocationState

TAKING = (AllocationState.SUBMITTED, AllocationState.RUNNING)


def gates_close() -> int:
    """Let workers end after their current run where nothing may start any more. Returns how many were told to."""
    told = 0
    for backend in settings.BACKENDS:
        taking = list(Allocation.objects.filter(backend=backend, state__in=TAKING))
        if not taking:
            continue
        shut = {gate.scope for gate in limits_for(backend, taking).gates}
        for each in taking:
            if shut.intersection(scopes_of(backend, each.project_id, each.user_id)):
                told += allocation_drain(each)
    return told
