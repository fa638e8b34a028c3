"""Who may start now? A pure decision over what waits and what holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from uuid import UUID


@dataclass(frozen=True)
class Claim:
    """What one allocation holds or asks for; memory in GiB."""

    id: UUID
    cpus: float
    gpus: float
    memory: float = 0
    idle: bool = False


@dataclass(frozen=True)
class Decision:
    """Allocations to submit, idle ones to release for them, and why the rest waits."""

    admit: tuple[UUID, ...]
    release: tuple[UUID, ...]
    reasons: dict[UUID, str]


@dataclass
class _Resource:
    """One kind of what a backend has, and how much of it is free."""

    words: str
    of: Callable[[Claim], float]
    total: float
    free: float


def decide(
    waiting: Sequence[Claim], holding: Sequence[Claim], *, cpus: float, gpus: float, memory: float = 0
) -> Decision:
    """First come, first served within the backend's capacity; nobody overtakes, so a large one cannot starve.

    If the first that does not fit would fit without the idle ones, those are released. A memory of 0 is not counted.
    """
    room = _room(holding, cpus=cpus, gpus=gpus, memory=memory)
    admit: list[UUID] = []
    reasons: dict[UUID, str] = {}
    blocked: Claim | None = None
    for claim in waiting:
        impossible = next((one for one in room if one.of(claim) > one.total), None)
        if impossible:
            # Nobody waits behind what can never start.
            reasons[claim.id] = _never(claim, impossible)
            continue
        scarce = next((one for one in room if one.of(claim) > one.free), None)
        if blocked is None and scarce is None:
            admit.append(claim.id)
            for one in room:
                one.free -= one.of(claim)
            continue
        blocked = blocked or claim
        reasons[claim.id] = _reason(claim, scarce)
    idle = [claim for claim in holding if claim.idle]
    release = tuple(claim.id for claim in idle) if blocked and _would_fit(blocked, idle, room) else ()
    return Decision(tuple(admit), release, reasons)


def _room(holding: Sequence[Claim], *, cpus: float, gpus: float, memory: float) -> list[_Resource]:
    room = [
        _Resource("CPUs", attrgetter("cpus"), cpus, cpus),
        _Resource("GPUs", attrgetter("gpus"), gpus, gpus),
    ]
    if memory:
        room.append(_Resource("GiB of memory", attrgetter("memory"), memory, memory))
    for one in room:
        one.free -= sum(map(one.of, holding))
    return room


def _would_fit(claim: Claim, idle: Sequence[Claim], room: Sequence[_Resource]) -> bool:
    return all(one.of(claim) <= one.free + sum(map(one.of, idle)) for one in room)


def _never(claim: Claim, lacking: _Resource) -> str:
    return (
        f"Needs {lacking.of(claim):g} {lacking.words}, but the backend has {lacking.total:g}: "
        "this can never start. Cancel it, or have the backend enlarged."
    )


def _reason(claim: Claim, scarce: _Resource | None) -> str:
    if scarce is None:
        return "Waits behind an earlier one that needs more room."
    return f"Needs {scarce.of(claim):g} {scarce.words}; {max(scarce.free, 0):g} of {scarce.total:g} are free."
