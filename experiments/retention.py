"""Which checkpoints of a run stay? A pure decision."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Kept:
    """What is known of a checkpoint: `value` is the objective that was reported with it, None if none was.

    One that is not sound (the objective was NaN or infinite) is nothing to resume from while there is another.
    """

    id: int
    step: int
    value: float | None
    pinned: bool = False
    sound: bool = True


@dataclass(frozen=True)
class Policy:
    """How many of the newest and of the best stay, and each whose step is a multiple of `every` (0: none)."""

    last: int
    best: int
    every: int
    maximize: bool


def expendable(policy: Policy, checkpoints: Iterable[Kept]) -> list[int]:
    """Ids of the checkpoints that may go, oldest first. The newest sound and the pinned ones always stay."""
    return [pk for pk, why in reasons(policy, checkpoints).items() if not why]


def reasons(policy: Policy, checkpoints: Iterable[Kept]) -> dict[int, list[str]]:
    """Why each checkpoint stays, by id and oldest first: in words, none for one that may go."""
    ordered = sorted(checkpoints, key=lambda one: (one.step, one.id))
    sound = [one for one in ordered if one.sound] or ordered
    newest = {one.id for one in sound[-max(policy.last, 1) :]}
    best = {one.id for one in _best(policy, ordered)}
    return {
        one.id: [
            words
            for words, holds in (
                ("newest", one.id in newest),
                ("best", one.id in best),
                (f"every {policy.every}", policy.every and one.step % policy.every == 0),
                ("in use", one.pinned),
            )
            if holds
        ]
        for one in ordered
    }


def _best(policy: Policy, ordered: Sequence[Kept]) -> Sequence[Kept]:
    known = [one for one in ordered if one.value is not None and math.isfinite(one.value)]
    sign = -1 if policy.maximize else 1
    # Of equals the newer one: it was trained longer.
    known.sort(key=lambda one: (sign * (one.value or 0.0), -one.step, -one.id))
    return known[: policy.best]
