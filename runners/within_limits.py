"""Which of those that wait fit into the limits? A pure decision, first come, first served."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from runners.admission import Claim
from runners.limits import Limits

AMOUNTS: dict[str, Callable[[Claim], float]] = {
    "cpus": lambda claim: claim.cpus,
    "gpus": lambda claim: claim.gpus,
    "memory": lambda claim: claim.memory,
    "jobs": lambda claim: 1,
}
UNITS = {"cpus": "CPUs", "gpus": "GPUs", "memory": "GiB of memory", "jobs": "running runs"}


@dataclass(frozen=True)
class Scoped:
    """A claim and the scopes that it counts for."""

    claim: Claim
    scopes: tuple[str, ...]


def held_back(limits: Limits, waiting: Sequence[Scoped], holding: Sequence[Scoped]) -> dict[UUID, str]:
    """Those that a limit keeps from starting now, and which. Nobody else waits for them."""
    used: dict[tuple[str, str], float] = defaultdict(float)
    for one in holding:
        _take(used, one)
    shut = {gate.scope: gate.words for gate in limits.gates}
    back: dict[UUID, str] = {}
    for one in waiting:
        words = next((shut[scope] for scope in one.scopes if scope in shut), "") or _over(limits, used, one)
        if words:
            back[one.claim.id] = words
        else:
            _take(used, one)
    return back


def _take(used: dict[tuple[str, str], float], one: Scoped) -> None:
    for scope in one.scopes:
        for resource, amount in AMOUNTS.items():
            used[scope, resource] += amount(one.claim)


def _over(limits: Limits, used: dict[tuple[str, str], float], one: Scoped) -> str:
    for cap in limits.caps:
        asked = AMOUNTS[cap.resource](one.claim)
        if cap.scope in one.scopes and asked and used[cap.scope, cap.resource] + asked > cap.limit + 1e-6:
            return (
                f"{used[cap.scope, cap.resource]:g} of {cap.limit:g} {UNITS[cap.resource]} of {cap.words} are in use; "
                f"it needs {asked:g}."
            )
    return ""
