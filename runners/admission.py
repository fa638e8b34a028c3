"""Who may start now? A pure decision over what waits and what holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Claim:
    """What one allocation holds or asks for."""

    id: UUID
    cpus: float
    gpus: float
    idle: bool = False


@dataclass(frozen=True)
class Decision:
    """Allocations to submit, idle ones to release for them, and why the rest waits."""

    admit: tuple[UUID, ...]
    release: tuple[UUID, ...]
    reasons: dict[UUID, str]


def decide(waiting: Sequence[Claim], holding: Sequence[Claim], *, cpus: float, gpus: float) -> Decision:
    """First come, first served within the backend's capacity; nobody overtakes, so a large one cannot starve.

    If the first that does not fit would fit without the idle ones, those are released.
    """
    free_cpus = cpus - sum(claim.cpus for claim in holding)
    free_gpus = gpus - sum(claim.gpus for claim in holding)
    admit: list[UUID] = []
    reasons: dict[UUID, str] = {}
    blocked: Claim | None = None
    for claim in waiting:
        if claim.cpus > cpus or claim.gpus > gpus:
            # Nobody waits behind what can never start.
            reasons[claim.id] = _never(claim, cpus, gpus)
            continue
        if blocked is None and claim.cpus <= free_cpus and claim.gpus <= free_gpus:
            admit.append(claim.id)
            free_cpus -= claim.cpus
            free_gpus -= claim.gpus
            continue
        blocked = blocked or claim
        reasons[claim.id] = _reason(claim, free_cpus, free_gpus, cpus, gpus)
    idle = [claim for claim in holding if claim.idle]
    release = (
        tuple(claim.id for claim in idle)
        if blocked and _would_fit(blocked, idle, free_cpus, free_gpus)
        else ()
    )
    return Decision(tuple(admit), release, reasons)


def _would_fit(claim: Claim, idle: Sequence[Claim], free_cpus: float, free_gpus: float) -> bool:
    cpus = free_cpus + sum(one.cpus for one in idle)
    return claim.cpus <= cpus and claim.gpus <= free_gpus + sum(one.gpus for one in idle)


def _never(claim: Claim, cpus: float, gpus: float) -> str:
    return (
        f"Needs {claim.cpus:g} CPUs and {claim.gpus:g} GPUs, but the backend has {cpus:g} and {gpus:g}: "
        "this can never start. Cancel it, or have the backend enlarged."
    )


def _reason(claim: Claim, free_cpus: float, free_gpus: float, cpus: float, gpus: float) -> str:
    if claim.cpus > free_cpus:
        return f"Needs {claim.cpus:g} CPUs; {max(free_cpus, 0):g} of {cpus:g} are free."
    if claim.gpus > free_gpus:
        return f"Needs {claim.gpus:g} GPUs; {max(free_gpus, 0):g} of {gpus:g} are free."
    return "Waits behind an earlier one that needs more room."
