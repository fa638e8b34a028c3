"""What does an experiment need next? A pure decision over a snapshot of its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

GIVE_UP_AFTER = 3
FIRST_DELAY = timedelta(seconds=5)
MAX_DELAY = timedelta(seconds=60)


@dataclass(frozen=True)
class OpenRun:
    """A run that is not finished, as the planner sees it."""

    id: UUID
    state: str
    leased: bool
    stop_requested_at: datetime | None = None
    # It reached the target itself, so it may finish although the search is over.
    winner: bool = False
    # A person queued it when the search was over already.
    exempt: bool = False
    # Told to stop at a checkpoint, if one comes soon.
    pausing: bool = False
    # It backs off after a loss.
    not_before: datetime | None = None
    allocation_id: UUID | None = None


@dataclass(frozen=True)
class Snapshot:
    """Everything the decision depends on."""

    now: datetime
    active: bool
    paused: bool
    # Its budget is used up, its target is reached, or somebody canceled it.
    over: bool
    open_runs: Sequence[OpenRun]
    # States of the allocations that can still take runs, oldest first; not of those that end after their current one.
    serving: Mapping[UUID, str]
    max_parallel: int
    # End times of the newest allocations that failed without ever leasing a run, newest first.
    failures: Sequence[datetime]
    # One of these would be repeated by every other job, and none is at work.
    hopeless: bool
    stop_grace: timedelta
    pause_grace: timedelta


@dataclass(frozen=True)
class Plan:
    """What to do about it."""

    lost: tuple[UUID, ...] = ()
    stop: tuple[UUID, ...] = ()
    # Runs that were leased while somebody paused the experiment.
    pause: tuple[UUID, ...] = ()
    # Runs that end because the search is over.
    end: tuple[UUID, ...] = ()
    give_up: bool = False
    request: int = 0
    # Allocations beyond the number of runs at a time; what they hold goes on to its end.
    release: tuple[UUID, ...] = ()
    complete: bool = False
    drain: bool = False


def plan(snapshot: Snapshot) -> Plan:
    """Decide. Anything that this leaves out is picked up at the next tick."""
    leased = ("starting", "running")
    lost = tuple(run.id for run in snapshot.open_runs if run.state in leased and not run.leased)
    stop = tuple(
        run.allocation_id for run in snapshot.open_runs if run.allocation_id and _overdue(run, snapshot)
    )
    if not snapshot.open_runs:
        # Workers stay warm for a while after the last run, in case somebody adds more; cancel releases them at once.
        return Plan(complete=snapshot.active, drain=not snapshot.active, release=_surplus(snapshot))
    end = tuple(r.id for r in snapshot.open_runs if snapshot.over and not (r.winner or r.exempt))
    if not snapshot.active:
        # Paused or canceled: what runs stops by itself, and nothing starts.
        pause = tuple(run.id for run in snapshot.open_runs if snapshot.paused and _unasked(run))
        return Plan(lost=lost, stop=stop, pause=pause, drain=True)
    failures = len(snapshot.failures)
    if snapshot.hopeless or (failures >= GIVE_UP_AFTER and not snapshot.serving):
        return Plan(lost=lost, stop=stop, end=end, give_up=True, drain=True)
    too_early = bool(failures) and snapshot.now - snapshot.failures[0] < FIRST_DELAY * 2 ** (failures - 1)
    going_on = [run for run in snapshot.open_runs if run.id not in end]
    due = sum(run.not_before is None or run.not_before <= snapshot.now for run in going_on)
    wanted = min(snapshot.max_parallel, due)
    there = len(_busy(snapshot) | set(snapshot.serving))
    missing = 0 if too_early else max(0, wanted - there)
    return Plan(lost=lost, stop=stop, end=end, request=missing, release=_surplus(snapshot))


def back_off(losses: int) -> timedelta:
    """How long a run waits after so many lost attempts in a row; the first costs no time."""
    return min(MAX_DELAY, FIRST_DELAY * 2 ** (losses - 2)) if losses > 1 else timedelta()


def _surplus(snapshot: Snapshot) -> tuple[UUID, ...]:
    """Allocations to give back: first what is far from running anything, last what is in the middle of it."""
    busy, nearness = _busy(snapshot), ("waiting", "submitted", "running")
    newest_first = list(snapshot.serving)[::-1]
    by_need = sorted(newest_first, key=lambda pk: (pk in busy, nearness.index(snapshot.serving[pk])))
    return tuple(by_need[: max(0, len(by_need) - snapshot.max_parallel)])


def _busy(snapshot: Snapshot) -> set[UUID]:
    return {run.allocation_id for run in snapshot.open_runs if run.allocation_id}


def _unasked(run: OpenRun) -> bool:
    return run.leased and run.stop_requested_at is None


def _overdue(run: OpenRun, snapshot: Snapshot) -> bool:
    if not run.leased or run.stop_requested_at is None:
        return False
    grace = snapshot.stop_grace + (snapshot.pause_grace if run.pausing else timedelta())
    return snapshot.now - run.stop_requested_at > grace


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
