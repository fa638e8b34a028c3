"""What is limited: the backend itself, and everything that a quota caps. Each is a pool with so much of each kind."""

import math
from collections.abc import Iterable, Sequence
from copy import deepcopy

from runners.admission.claims import Amounts, Claim, Totals
from runners.limits import Cap, Limits

KINDS = ("CPUs", "GPUs", "GiB of memory", "jobs")
# Sums of tenths are not exact.
TOLERANCE = 1e-6
BACKEND = ""


class Pool:
    """So much of each kind; what is not counted is without end. `words` is empty for the backend."""

    __slots__ = ("limits", "scope", "used", "words")

    def __init__(self, scope: str, limits: Sequence[float], words: Sequence[str]) -> None:
        self.scope = scope
        self.limits = list(limits)
        self.words = words
        self.used = [0.0] * len(KINDS)

    @property
    def free(self) -> list[float]:
        """What is left; less than nothing where a limit was lowered."""
        return [limit - used for limit, used in zip(self.limits, self.used, strict=True)]

    def lacks(self, amounts: Amounts) -> int | None:
        """The first kind of which there is too little now."""
        for kind, amount in enumerate(amounts):
            if amount > 0 and amount > self.limits[kind] - self.used[kind] + TOLERANCE:
                return kind
        return None

    def never(self, amounts: Amounts) -> int | None:
        """The first kind of which there is too little even if nobody else had any."""
        for kind, amount in enumerate(amounts):
            if amount > self.limits[kind] + TOLERANCE:
                return kind
        return None

    def add(self, amounts: Amounts, sign: int = 1) -> None:
        """Take it, or give it back."""
        for kind, amount in enumerate(amounts):
            self.used[kind] += sign * amount

    def why(self, amounts: Amounts, kind: int) -> str:
        """Why it does not fit now."""
        limit, used = self.limits[kind], self.used[kind]
        if self.scope == BACKEND:
            return f"Needs {amounts[kind]:g} {KINDS[kind]}; {max(_round(limit - used), 0):g} of {limit:g} are free."
        holds = f"{_round(used):g} of {limit:g} {KINDS[kind]} of {self.words[kind]} are in use"
        return f"{holds}; it needs {amounts[kind]:g}."

    def why_never(self, amounts: Amounts, kind: int) -> str:
        """Why it can never fit."""
        needs = f"Needs {amounts[kind]:g} {KINDS[kind]}, but"
        if self.scope == BACKEND:
            return (
                f"{needs} the backend has {self.limits[kind]:g}: this can never start. "
                "Cancel it, or have the backend enlarged."
            )
        return (
            f"{needs} {self.words[kind]} may use {self.limits[kind]:g} at one time: this cannot start. "
            "Cancel it, or have the quota raised."
        )


class Room:
    """All pools of a backend with what is held of them."""

    def __init__(self, totals: Totals, limits: Limits, holding: Iterable[Claim]) -> None:
        sizes = (totals.cpus, totals.gpus, totals.memory or math.inf, math.inf)
        self.backend = Pool(BACKEND, sizes, ())
        self._capped = _capped(limits.caps)
        # Many claims have the same scopes.
        self._pools: dict[tuple[str, ...], tuple[Pool, ...]] = {}
        for claim in holding:
            self.take(claim)

    def pools(self, claim: Claim) -> tuple[Pool, ...]:
        """The pools that it takes from, the backend first."""
        found = self._pools.get(claim.scopes)
        if found is None:
            capped = (self._capped[scope] for scope in claim.scopes if scope in self._capped)
            found = self._pools[claim.scopes] = (self.backend, *capped)
        return found

    def lack(self, claim: Claim) -> tuple[Pool, int] | None:
        """The first pool and kind of which there is too little; None if it fits."""
        amounts = claim.amounts
        for pool in self.pools(claim):
            kind = pool.lacks(amounts)
            if kind is not None:
                return pool, kind
        return None

    def never(self, claim: Claim) -> str:
        """Why it can never start; empty if it can."""
        amounts = claim.amounts
        for pool in self.pools(claim):
            kind = pool.never(amounts)
            if kind is not None:
                return pool.why_never(amounts, kind)
        return ""

    def take(self, claim: Claim) -> None:
        """It holds what it asked for."""
        for pool in self.pools(claim):
            pool.add(claim.amounts)

    def give(self, claim: Claim) -> None:
        """It has let go."""
        for pool in self.pools(claim):
            pool.add(claim.amounts, -1)

    def copy(self) -> "Room":
        """To try something."""
        return deepcopy(self)


def _capped(caps: Iterable[Cap]) -> dict[str, Pool]:
    """A pool for each scope; where several caps say something of a kind, the tightest counts."""
    kinds = {"cpus": 0, "gpus": 1, "memory": 2, "jobs": 3}
    tightest: dict[str, dict[int, Cap]] = {}
    for cap in caps:
        known = tightest.setdefault(cap.scope, {})
        kind = kinds[cap.resource]
        if kind not in known or (cap.limit, cap.words) < (known[kind].limit, known[kind].words):
            known[kind] = cap
    return {
        scope: Pool(
            scope,
            [known[kind].limit if kind in known else math.inf for kind in range(len(KINDS))],
            [known[kind].words if kind in known else "" for kind in range(len(KINDS))],
        )
        for scope, known in tightest.items()
    }


def _round(value: float) -> float:
    return round(value, 3)
