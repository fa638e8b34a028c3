"""The cast of a random history: worker groups that report, the points that must be there, the moves that were made."""

import math
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.db import models
from django.utils import timezone

from accounts.models import Project, User
from experiments.models import Attempt, Bundle, Checkpoint, Experiment, MetricBatch, Run, RunEvent, RunMetric
from experiments.services import bulk, lifecycle
from experiments.services.ingest import Receipt, batch_ingest
from experiments.telemetry import Batch, parse_batch
from mlplatform.kernel.errors import Unauthenticated
from mlplatform.kernel.states import move, move_all
from runners.models import Allocation, Lease
from runners.services import line
from runners.services.leases import Fenced
from runners.services.tokens import allocation_by_token, allocation_token
from tests.fakes.runner import FakeRunner

Point = tuple[str, int, float]
OBJECTIVE = "accuracy"
# What the portal answers to somebody whose lease or allocation has ended.
LATE = (Fenced, Unauthenticated)


class StoppedClock:
    """Time passes only when told to; rows get their `auto_now_add` from it too."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now: datetime = timezone.now()
        patch.setattr(timezone, "now", lambda: self.now)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Moves:
    """Every change of state that went through the guarded update, in order."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.made: dict[Any, list[tuple[str, str]]] = defaultdict(list)
        for module in (lifecycle, line):
            patch.setattr(module, "move", self._move)
        patch.setattr(bulk, "move_all", self._move_all)

    def _move(self, table: Mapping[str, frozenset[str]], row: models.Model, new: str, **fields: Any) -> bool:
        old: str = row.state  # type: ignore[attr-defined]
        moved = move(table, row, new, **fields)
        if moved:
            self.made[row.pk].append((old, new))
        return moved

    def _move_all(self, table: Any, rows: Any, old: str, new: str, **fields: Any) -> list[Any]:
        moved = move_all(table, rows, old, new, **fields)
        for pk in moved:
            self.made[pk].append((old, new))
        return moved

    def check(self, pk: Any, first: str, now: str) -> None:
        """What the row went through is one unbroken chain: no state was written in any other way."""
        state = first
        for old, new in self.made[pk]:
            assert old == state, f"{pk} was {state}, but moved from {old} to {new}"
            state = new
        assert state == now, f"{pk} is {now}, but was last moved to {state}"


@dataclass
class Group:
    """A worker group as the portal hears of it. It may be dead without knowing."""

    allocation_id: UUID
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    order: dict[str, Any] | None = None
    seq: int = 0
    step: int = 0
    last: dict[str, Any] | None = None

    @property
    def allocation(self) -> Allocation:
        return Allocation.objects.get(pk=self.allocation_id)

    @property
    def fence(self) -> int | None:
        return self.order["fence"] if self.order else None

    @property
    def run_id(self) -> UUID:
        assert self.order
        return UUID(self.order["id"])

    def take(self, order: dict[str, Any]) -> bool:
        """Begin with what was leased; False if it is what it has already."""
        if self.order and self.order["fence"] == order["fence"]:
            return False
        self.order, self.seq, self.last = order, 0, None
        self.step = (order["checkpoint"] or {"step": 0})["step"]
        return True

    def draft(
        self, points: int, *, diverges: bool = False, checkpoint: bool = False, end: str = ""
    ) -> tuple[dict[str, Any], list[Point]]:
        """The next batch, and the points in it. No two attempts report the same values."""
        assert self.order
        steps = list(range(self.step + 1, self.step + points + 1))
        times = [float(step) for step in steps]
        # 0.1 to 0.9, so that a target may be reached.
        better = [(step * 7 + self.order["fence"] * 3) % 9 / 10 + 0.1 for step in steps]
        if diverges and steps:
            better[-1] = math.nan
        columns = {OBJECTIVE: better, "who": [self.order["fence"] + step / 1000 for step in steps]}
        content: dict[str, Any] = {
            "attempt": self.order["attempt"],
            "fence": self.order["fence"],
            "rank": 0,
            "seq": self.seq + 1,
            "log": f"{steps}\n",
            "points": [
                {"name": name, "steps": steps, "values": values, "times": times}
                for name, values in columns.items()
            ],
        }
        if checkpoint and steps:
            path = f"file:///runs/{self.order['id']}/{self.order['attempt']}-{steps[-1]:06d}"
            content["checkpoint"] = {"path": path, "step": steps[-1], "metrics": {OBJECTIVE: 0.5}}
        if end:
            cause = {"code": "user_error", "message": "boom"} if end == "failed" else None
            content["end"] = {"outcome": end, "cause": cause}
        sent = [(name, s, v) for name, values in columns.items() for s, v in zip(steps, values, strict=True)]
        return content, sent

    def post(self, content: dict[str, Any]) -> Receipt:
        """As the endpoint does it: the token first."""
        allocation = allocation_by_token(allocation_token(self.allocation))
        batch: Batch = parse_batch(content)
        return batch_ingest(allocation=allocation, run_id=self.run_id, batch=batch)

    def accepted(self, content: dict[str, Any]) -> None:
        """The portal has it, so it is not sent again unless the answer was lost."""
        self.seq, self.last = content["seq"], content
        for series in content["points"]:
            self.step = max([self.step, *series["steps"]])


class Book:
    """Which points and checkpoints of each run must be there."""

    def __init__(self) -> None:
        self.points: dict[UUID, list[Point]] = defaultdict(list)
        self.checkpoints: dict[UUID, int] = {}

    def add(self, run: UUID, points: list[Point], checkpoint: int | None) -> None:
        self.points[run] += points
        if checkpoint is not None:
            self.checkpoints[run] = checkpoint

    def resume(self, run: UUID, at: int) -> None:
        """A new attempt forgets what came after the checkpoint that it resumes from."""
        self.points[run] = [point for point in self.points[run] if point[1] <= at]

    def check(self) -> None:
        """The stored points are the accepted ones, each once; the summaries say the same as the points."""
        stored: dict[UUID, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
        for batch in MetricBatch.objects.filter(level=0):
            points = zip(batch.steps, batch.values, strict=True)
            stored[batch.run_id][batch.name] += [(batch.name, step, value) for step, value in points]
        for run in set(stored) | set(self.points):
            found = [point for points in stored[run].values() for point in points]
            assert sorted(map(repr, found)) == sorted(map(repr, self.points[run])), run
        summaries = {(row.run_id, row.name): _shown(row) for row in RunMetric.objects.all()}
        computed = {(run, name): _computed(p) for run, by in stored.items() for name, p in by.items()}
        assert sorted(map(repr, summaries.items())) == sorted(map(repr, computed.items()))
        last = dict(Checkpoint.objects.order_by("step").values_list("run", "step"))
        assert last == self.checkpoints


@dataclass
class Stage:
    """What all histories begin with."""

    owner: User
    project: Project
    bundle: Bundle
    runner: FakeRunner
    clock: StoppedClock
    moves: Moves


class Known(NamedTuple):
    """Rows that compare, NaN or not."""

    runs: list[str]
    points: list[list[str]]
    events: int
    checkpoints: int


def everything() -> tuple[Any, ...]:
    """All that a request could change."""
    leases = Lease.objects.values_list("pk", "expires_at", "released_at", "release_reason")
    experiments = Experiment.objects.values_list("pk", "state", "max_parallel")
    return (points_and_states(), sorted(map(repr, leases)), list(experiments), Allocation.objects.count())


def points_and_states() -> Known:
    """What must not change by whoever has no lease."""
    runs = Run.objects.values_list("pk", "state", "stop_reason", "progress", "failures", "losses")
    summaries = RunMetric.objects.values_list("run", "name", "last", "min", "max", "count")
    batches = MetricBatch.objects.values_list("run", "name", "level", "attempt", "seq", "steps", "values")
    return Known(
        runs=sorted(map(repr, runs)),
        points=[sorted(map(repr, summaries)), sorted(map(repr, batches))],
        events=RunEvent.objects.count() + Attempt.objects.count(),
        checkpoints=Checkpoint.objects.count(),
    )


def _shown(row: RunMetric) -> tuple[Any, ...]:
    return (row.count, row.last_step, row.last, row.min, row.min_step, row.max, row.max_step)


def _computed(points: list[Point]) -> tuple[Any, ...]:
    series = [(step, value) for _, step, value in points]
    last_step, last = max(enumerate(series), key=lambda one: (one[1][0], one[0]))[1]
    numbers = [(step, value) for step, value in series if not math.isnan(value)]
    low = min(numbers, key=lambda one: (one[1], one[0]), default=(None, None))
    high = max(numbers, key=lambda one: (one[1], -one[0]), default=(None, None))
    return (len(series), last_step, last, low[1], low[0], high[1], high[0])
