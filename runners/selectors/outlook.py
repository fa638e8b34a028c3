"""Would it start now? Asked before anything is asked for."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from runners.admission import Claim, Totals, decide
from runners.limits import Limits, scopes_of
from runners.registry import backend_get
from runners.selectors.situation import situation


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


def outlook(
    backend: str, *, cpus: float, gpus: float, memory: float, count: int, project: UUID | None = None,
    user: int | None = None, priority: int = 0,
) -> Outlook:  # fmt: skip
    """By the rule that admits them."""
    room = backend_get(backend)
    totals = Totals(room.cpus, room.gpus, room.memory)
    found = situation(backend)
    mine = [
        Claim(
            uuid4(), cpus, gpus, memory, project=str(project or ""), user=str(user or ""), priority=priority,
            scopes=scopes_of(backend, project, user), asked=found.now + number / 1e3,
        )
        for number in range(count)
    ]  # fmt: skip
    # Workers that are kept warm make room for whoever needs it.
    busy = [claim for claim in found.holding if not claim.idle]
    decision = decide(
        [*found.waiting, *mine], busy, totals, limits=found.limits, rules=found.rules, now=found.now
    )
    left = [claim.id for claim in mine if claim.id not in decision.admit]
    before = decision.line[: decision.line.index(left[0])] if left else ()
    return Outlook(
        together=len(decide(mine, [], totals, limits=Limits(found.limits.caps)).admit),
        now=count - len(left),
        ahead=len(set(before) - {claim.id for claim in mine}),
        reason=decision.reasons[left[0]] if left else "",
    )
