"""The function that every Ray Train worker of an allocation runs: lease, execute, repeat."""

import os
from typing import Any

import ray.train
import ray.train.collective

from .client import PortalClient
from .consensus import Consensus
from .execution import Ending, Execution, Place
from .leasing import Leasing
from .protocol import ALLOCATION_VARIABLE, TOKEN_VARIABLE, Allocation, ExitReason, Lease
from .pulse import Pulse
from .seeds import ProcessState
from .star import Centre, join
from .system_metrics import Sampler

LOOPBACK = "127.0.0.1"


def worker_loop() -> ExitReason:
    """Execute runs until the portal says drain, is gone, or cannot be reached; all ranks leave together."""
    place = _enter()
    reason = _work(place)
    if place.pulse:
        place.pulse.close()
    return reason


def _work(place: Place) -> ExitReason:
    leasing = place.leasing
    ending = Ending()
    while True:
        order: dict[str, Any] = place.consensus.share(_next_order(leasing, ending) if leasing else None)
        match order.get("order"):
            case "run":
                ending = Execution(place, Lease.from_json(order["run"])).run()
            case "wait":
                ending = Ending()
                if leasing:
                    leasing.wait(order)
            case "drain":
                return "drain"
            case "gone":
                return "gone"
            case "unreachable":
                return "unreachable"
            case unknown:
                raise RuntimeError(f"The portal answered a lease request with the unknown order {unknown!r}.")


def _next_order(leasing: Leasing, ending: Ending) -> dict[str, Any]:
    """What the last run's stream has learned comes before asking for more work; often it has the answer already."""
    if ending.gone:
        return {"order": "gone"}
    if ending.unreachable:
        return {"order": "unreachable"}
    if ending.drain:
        return {"order": "drain"}
    return ending.next_order or leasing.next_order()


def _enter() -> Place:
    allocation = Allocation.from_environment(os.environ)
    # Hygiene, not a wall: user code should not find the token lying about.
    for name in (ALLOCATION_VARIABLE, TOKEN_VARIABLE):
        os.environ.pop(name, None)
    consensus = _meet()
    pulse = Pulse(allocation.url, allocation.token) if consensus.rank == 0 else None
    client = PortalClient(allocation.url, allocation.token)
    period_s = allocation.system_metrics_s
    return Place(
        allocation=allocation,
        client=client,
        consensus=consensus,
        state=ProcessState.take(),
        leasing=Leasing(client) if consensus.rank == 0 else None,
        pulse=pulse,
        sampler=Sampler(consensus.rank, consensus.world_size, period_s) if period_s else None,
    )


def _meet() -> Consensus:
    """Connect the ranks of this worker group with each other."""
    context = ray.train.get_context()
    rank, size = context.get_world_rank(), context.get_world_size()
    if size == 1:
        return Consensus(None, rank, size)
    on_one_machine = context.get_local_world_size() == size
    centre = None
    if rank == 0:
        # Ray put rank 0's address there for torch; on one machine nobody else needs to reach us.
        centre = Centre(LOOPBACK if on_one_machine else os.environ["MASTER_ADDR"], size)
    invitation = ray.train.collective.broadcast_from_rank_zero(centre.invitation if centre else None)
    return Consensus(centre.gather() if centre else join(rank, invitation), rank, size)
