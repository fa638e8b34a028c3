"""What the decision is about. Times are seconds of one clock, whichever."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from runners.limits import Limits

NO_LIMITS = Limits()


class Amounts(NamedTuple):
    """So much of each kind; memory in GiB."""

    cpus: float
    gpus: float
    memory: float
    jobs: float = 1


@dataclass(frozen=True)
class Totals:
    """What a backend has. A memory of 0 is not counted."""

    cpus: float
    gpus: float
    memory: float = 0


@dataclass(frozen=True)
class Claim:
    """What one allocation holds or asks for; memory in GiB. All of its workers start together or not at all."""

    id: UUID
    cpus: float
    gpus: float
    memory: float = 0
    # Holds something, but works on nothing.
    idle: bool = False
    project: str = ""
    user: str = ""
    # The limits that it counts for.
    scopes: tuple[str, ...] = ()
    # A higher one goes first.
    priority: int = 0
    # When it was asked for, and since when it holds.
    asked: float = 0
    since: float = 0
    # When it will probably let go; how long it will probably hold, rather too long. None: nobody knows.
    ends: float | None = None
    lasts: float | None = None
    # Told to finish; told to stop at its next checkpoint, so that it is soon gone.
    draining: bool = False
    leaving: bool = False
    preemptible: bool = False

    @cached_property
    def amounts(self) -> Amounts:
        """What it takes of each kind."""
        return Amounts(self.cpus, self.gpus, self.memory)


@dataclass(frozen=True)
class Rules:
    """How the line moves, in seconds.

    Who has waited for longer than `patience` is not overtaken on the strength of an estimate any more, and workers
    are handed over to it. Nobody hands workers over sooner than `turn` after getting them, or is preempted sooner than
    `min_run`.
    """

    patience: float = 3600
    turn: float = 300
    min_run: float = 300
    weights: Mapping[str, float] = field(default_factory=dict)

    def weight(self, project: str) -> float:
        """A project of weight 2 gets twice the share of one of weight 1."""
        return self.weights.get(project, 1.0)


@dataclass(frozen=True)
class Decision:
    """What to do, and why the rest waits.

    `admit`: allocations to submit, in order. `release`: idle ones to give up for somebody who waits. `hand_over`: ones
    to give up after what they work on now. `preempt`: ones to give up at the next checkpoint of what they work on.
    `line`: everything that waits on, in the order of its turn; those that can never start are last.
    """

    admit: tuple[UUID, ...]
    release: tuple[UUID, ...]
    reasons: dict[UUID, str]
    hand_over: tuple[UUID, ...] = ()
    preempt: tuple[UUID, ...] = ()
    line: tuple[UUID, ...] = ()
    # Of these, the ones that can start as soon as there is room.
    foreseeable: frozenset[UUID] = frozenset()
