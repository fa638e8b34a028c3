"""What does an experiment need next? A pure decision over a snapshot of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

GIVE_UP_AFTER = 3
FIRST_DELAY = timedelta(seconds=5)


@dataclass(frozen=True)
class OpenRun:
    """A run that is not finished, as the planner sees it."""

    id: UUID
    state: str
    leased: bool
    stop_requested_at: datetime | None = None
    allocation_id: UUID | None = None


@dataclass(frozen=True)
class Snapshot:
    """Everything the decision depends on."""

    now: datetime
    active: bool
    open_runs: Sequence[OpenRun]
    # Allocations that can still take runs, and those that end after their current one.
    serving: Sequence[UUID]
    max_parallel: int
    # End times of the newest allocations that failed without ever leasing a run, newest first.
    failures: Sequence[datetime]
    stop_grace: timedelta


@dataclass(frozen=True)
class Plan:
    """What to do about it."""

    lost: tuple[UUID, ...] = ()
    stop: tuple[UUID, ...] = ()
    give_up: bool = False
    request: int = 0
    complete: bool = False
    drain: bool = False


def plan(snapshot: Snapshot) -> Plan:
    """Decide. Anything that this leaves out is picked up at the next tick."""
    leased = ("starting", "running")
    lost = tuple(run.id for run in snapshot.open_runs if run.state in leased and not run.leased)
    stop = tuple(
        run.allocation_id
        for run in snapshot.open_runs
        if run.leased
        and run.allocation_id
        and run.stop_requested_at
        and snapshot.now - run.stop_requested_at > snapshot.stop_grace
    )
    if not snapshot.open_runs:
        # Workers stay warm for a while after the last run, in case somebody adds more; cancel releases them at once.
        return Plan(complete=snapshot.active, drain=not snapshot.active)
    failures = len(snapshot.failures)
    if failures >= GIVE_UP_AFTER:
        return Plan(lost=lost, stop=stop, give_up=True)
    too_early = bool(failures) and snapshot.now - snapshot.failures[0] < FIRST_DELAY * 2 ** (failures - 1)
    wanted = min(snapshot.max_parallel, len(snapshot.open_runs))
    missing = 0 if too_early else max(0, wanted - len(snapshot.serving))
    return Plan(lost=lost, stop=stop, request=missing)


def waiting_words(states: Sequence[tuple[str, str]], *, failures: int, max_parallel: int) -> str:
    """Why the queued runs of an experiment wait, in words.

    `states` are (state, waiting reason) of its live allocations.
    """
    for state, reason in states:
        if state == "waiting":
            return reason or "Waits for room at the backend."
    if any(state == "submitted" for state, _ in states):
        return "Workers are starting."
    if states:
        return f"Waits for its turn; {max_parallel} at a time."
    if failures:
        return f"The job could not be started ({failures} of {GIVE_UP_AFTER} tries); it is tried again in a moment."
    return "Workers are about to be asked for."
