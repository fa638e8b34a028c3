"""Would it start now? Asked before anything is asked for."""

from dataclasses import dataclass
from uuid import uuid4

from runners.admission import Claim, decide
from runners.models import Allocation
from runners.registry import backend_get
from runners.states import HOLDING, AllocationState


@dataclass(frozen=True)
class Outlook:
    """Of so many equal allocations, were they asked for now.

    `together` fit an otherwise idle backend, `now` start at once, `ahead` of others wait before them; `reason` says why
    the rest waits.
    """

    together: int
    now: int
    ahead: int
    reason: str


def claim_of(allocation: Allocation) -> Claim:
    """What it holds or asks for."""
    idle = allocation.idle_since is not None and allocation.state == AllocationState.RUNNING
    return Claim(
        id=allocation.id, cpus=allocation.cpus, gpus=allocation.gpus, memory=allocation.memory, idle=idle
    )


def outlook(backend: str, *, cpus: float, gpus: float, memory: float, count: int) -> Outlook:
    """By the rule that admits them. One query."""
    room = backend_get(backend)
    there = {"cpus": room.cpus, "gpus": room.gpus, "memory": room.memory}
    mine = [Claim(uuid4(), cpus, gpus, memory) for _ in range(count)]
    states = [AllocationState.WAITING, *HOLDING]
    waiting, holding = list[Claim](), list[Claim]()
    for each in Allocation.objects.filter(backend=backend, state__in=states):
        (waiting if each.state == AllocationState.WAITING else holding).append(claim_of(each))
    # Workers that are kept warm make room for whoever needs it.
    decision = decide([*waiting, *mine], [claim for claim in holding if not claim.idle], **there)
    left = [claim.id for claim in mine if claim.id not in decision.admit]
    return Outlook(
        together=len(decide(mine, [], **there).admit),
        now=count - len(left),
        ahead=sum(claim.id not in decision.admit for claim in waiting),
        reason=decision.reasons[left[0]] if left else "",
    )
