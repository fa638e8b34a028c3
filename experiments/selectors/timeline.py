"""When the runs of an experiment waited, started and trained, and in which allocation."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.db.models import F
from django.db.models.lookups import GreaterThan

from experiments.models import Attempt, Experiment, Run, RunEvent
from experiments.states import RUN_TERMINAL, RunState
from runners.selectors.allocations import allocations_of

MAX_RUNS = 300
# Each retry and each pause adds some; a run that goes on for ever must not make the page as long.
MAX_ATTEMPTS = 3000
# Events that do not put a run into the queue.
ELSEWHERE = ("starting", "stop_requested", "stop_taken_back", *RUN_TERMINAL)


@dataclass(frozen=True)
class Span:
    """What a run did from `start` to `end` (None: still does): queued, starting, running, or how the attempt ended.

    `lane` is the index of the allocation that it did it in, None while it waits.
    """

    state: str
    start: float
    end: float | None
    lane: int | None = None
    attempt: int | None = None

    def to_json(self) -> list[Any]:
        """A row of `spans`."""
        return [self.state, self.start, self.end, self.lane, self.attempt]


class LaneJson(TypedDict):
    """An allocation; times in Unix seconds."""

    created: float
    running: float | None
    ended: float | None
    state: str


class RunSpansJson(TypedDict):
    """A run. Each of its spans is a list: state, start, end, index of the lane, attempt."""

    number: int
    state: str
    spans: list[list[Any]]


class TimelineJson(TypedDict):
    """When runs waited, started and trained."""

    runs: list[RunSpansJson]
    lanes: list[LaneJson]
    left_out: int


@dataclass(frozen=True)
class Timeline:
    """Spans of each of the runs, oldest run first, and the allocations, oldest first."""

    runs: list[tuple[int, str, list[Span]]]
    lanes: list[LaneJson]
    left_out: int

    def to_json(self) -> TimelineJson:
        """As pages and the REST API have it."""
        return {
            "runs": [
                {"number": number, "state": state, "spans": [span.to_json() for span in spans]}
                for number, state, spans in self.runs
            ],
            "lanes": self.lanes,
            "left_out": self.left_out,
        }


def timeline(experiment: Experiment) -> Timeline:
    """Of at most MAX_RUNS: the newest that have begun, then the newest that wait. Five queries at most."""
    # The queue is worked off from its oldest run on: the newest of a long sweep have nothing to show for days.
    has_begun = GreaterThan(F("attempts_made"), 0)
    runs = sorted(
        experiment.runs.order_by(has_begun.desc(), "-number")[:MAX_RUNS], key=lambda run: run.number
    )
    ids = [run.pk for run in runs]
    attempts: dict[UUID, list[Attempt]] = defaultdict(list)
    newest = Attempt.objects.filter(run__in=ids).defer("environment").order_by("-started_at", "-number")
    for attempt in list(newest[:MAX_ATTEMPTS])[::-1]:
        attempts[attempt.run_id].append(attempt)
    used = {attempt.allocation_id for each in attempts.values() for attempt in each}
    allocations = list(allocations_of(experiment.pk).filter(pk__in=used).defer("environment"))
    lanes = {allocation.pk: index for index, allocation in enumerate(allocations)}
    moments = _moments(ids)
    return Timeline(
        runs=[(run.number, run.state, _spans(run, attempts[run.pk], moments[run.pk], lanes)) for run in runs],
        lanes=[
            {
                "created": allocation.created_at.timestamp(),
                "running": allocation.running_at.timestamp() if allocation.running_at else None,
                "ended": allocation.ended_at.timestamp() if allocation.ended_at else None,
                "state": allocation.state,
            }
            for allocation in allocations
        ],
        left_out=experiment.runs.count() - len(runs) if len(runs) == MAX_RUNS else 0,
    )


def _moments(ids: Sequence[UUID]) -> dict[UUID, list[tuple[bool, datetime]]]:
    """When each run began to train (True) and when it came into the queue (False), in order."""
    found: dict[UUID, list[tuple[bool, datetime]]] = defaultdict(list)
    events = RunEvent.objects.filter(run__in=ids).exclude(kind__in=ELSEWHERE).order_by("-id")
    for run_id, kind, at in list(events.values_list("run_id", "kind", "at")[: 2 * MAX_ATTEMPTS])[::-1]:
        assert run_id is not None
        found[run_id].append((kind == "running", at))
    return found


def _spans(
    run: Run,
    attempts: Sequence[Attempt],
    moments: Sequence[tuple[bool, datetime]],
    lanes: dict[UUID, int],
) -> list[Span]:
    spans: list[Span] = []
    free = run.created_at
    for attempt in attempts:
        spans += _waiting(moments, free, attempt.started_at)
        spans += _attempt(run, attempt, moments, lanes.get(attempt.allocation_id))
        free = attempt.ended_at or attempt.started_at
    if run.state == RunState.QUEUED:
        spans += _waiting(moments, free, None)
    elif not attempts:
        spans += _waiting(moments, free, run.ended_at)
    return spans


def _waiting(moments: Sequence[tuple[bool, datetime]], free: datetime, until: datetime | None) -> list[Span]:
    """The wait before `until`: since the run came into the queue, which a retry may do long after it was free."""
    queued = [at for trains, at in moments if not trains and at >= free and (until is None or at <= until)]
    since = queued[-1] if queued else free
    return [Span("queued", since.timestamp(), None if until is None else until.timestamp())]


def _attempt(
    run: Run, attempt: Attempt, moments: Sequence[tuple[bool, datetime]], lane: int | None
) -> list[Span]:
    """Its start-up, if it is known when that was over, and the rest under how it ended or what it does."""
    end = attempt.ended_at
    trained = [
        at for trains, at in moments if trains and at >= attempt.started_at and (end is None or at <= end)
    ]
    state = attempt.outcome or run.state
    begin = attempt.started_at.timestamp()
    until = None if end is None else end.timestamp()
    if not trained:
        return [Span(state, begin, until, lane, attempt.number)]
    split = trained[0].timestamp()
    return [
        Span("starting", begin, split, lane, attempt.number),
        Span(state, split, until, lane, attempt.number),
    ]
