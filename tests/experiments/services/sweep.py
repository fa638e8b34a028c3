"""What can happen to a sweep, in any order: rules of a random history. Subclasses say what must hold after each."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.core.cache import cache
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from experiments.definition import Definition
from experiments.models import Experiment, Run
from experiments.services import (
    bulk,
    control,
    forking,
    launch,
    lifecycle,
    losses,
    reconcile,
    retention,
    revision,
)
from experiments.services.ingest import Gap
from experiments.services.leasing import lease_next
from experiments.services.points import points_compact
from experiments.states import RUN_LEASED, RUN_TERMINAL, StopReason
from mlplatform.kernel.errors import Conflict, Unauthenticated
from runners.models import Allocation, Lease
from runners.port import JobStatus
from runners.services import outage
from runners.services.leases import Fenced, group_died
from tests.experiments.services.history import (
    LATE,
    OBJECTIVE,
    Book,
    Group,
    Stage,
    everything,
    points_and_states,
)

T = TypeVar("T")
PICK = st.integers(0, 11)
MOST_RUNS = 5


class Sweep(RuleBasedStateMachine):
    """One experiment, its people, its worker groups and a backend that may fail at any moment."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage, self.owner = stage, stage.owner
        self.runner, self.clock, self.moves = stage.runner, stage.clock, stage.moves
        self.runner.jobs.clear()
        self.runner.polls.clear()
        self.moves.made.clear()
        self.groups: list[Group] = []
        self.book = Book()
        self.most_at_a_time = 0
        self.look()
        self.history = transaction.atomic()
        self.history.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.history.__exit__(None, None, None)

    def look(self) -> None:
        """See what there is now: before the first rule, and after each."""
        self.runs = list(Run.objects.select_related("experiment__project"))
        self.leases = list(Lease.objects.filter(released_at__isnull=True).select_related("allocation"))
        self.jobs = [
            one
            for one in Allocation.objects.exclude(state="ended")
            if self.runner.poll(one.submission_id).status is JobStatus.RUNNING
        ]
        held = {lease.pk for lease in self.leases}
        self.working = [group for group in self.groups if group.fence in held]
        stale = [group for group in self.groups if group.order and group.fence not in held]
        self.stale = [g for g in stale if g.allocation_id in {one.pk for one in self.jobs}] or stale

    @property
    def experiment(self) -> Experiment:
        return Experiment.objects.select_related("project").get(pk=self.pk)

    # -- people ----------------------------------------------------------------------------------------------------

    @initialize(
        runs=st.integers(1, 3),
        parallel=st.integers(1, 2),
        retries=st.integers(0, 1),
        goal=st.sampled_from([None, None, 0.9]),
        hours=st.sampled_from([None, None, 0.05]),
    )
    def launch(self, runs: int, parallel: int, retries: int, goal: float | None, hours: float | None) -> None:
        definition = Definition(
            name="sweep",
            entrypoint="train:train",
            objective_metric=OBJECTIVE,
            max_parallel=parallel,
            max_retries=retries,
            target=goal,
            max_hours=hours,
        )
        self.pk = launch.experiment_create(
            user=self.owner,
            project=self.stage.project,
            bundle=self.stage.bundle,
            definition=definition,
            param_sets=[{"lr": 0.1 * n} for n in range(1, runs + 1)],
        ).pk
        self.tick()

    @rule(action=st.sampled_from(["pause", "pause", "resume", "resume", "cancel"]))
    def control(self, action: str) -> None:
        allowed = {"pause": ("active",), "resume": ("paused",), "cancel": ("active", "paused")}[action]
        act = getattr(control, f"experiment_{action}")
        experiment = self.experiment
        self._ask(experiment.state in allowed, lambda: act(user=self.owner, experiment=experiment))

    @rule(action=st.sampled_from(["cancel", "retry", "retry"]), pick=PICK)
    def control_run(self, action: str, pick: int) -> None:
        run = _one(self.runs, pick)
        allowed = run.state not in RUN_TERMINAL if action == "cancel" else run.state in bulk.RETRIABLE
        act = getattr(control, f"run_{action}")
        self._ask(allowed, lambda: act(user=self.owner, run=run))

    @rule(action=st.sampled_from(["add", "fork", "fork", "revise"]), pick=PICK)
    def change(self, action: str, pick: int) -> None:
        experiment, begun = self.experiment, [run for run in self.runs if run.pk in self.book.checkpoints]
        if action == "revise":
            parallel = 1 + pick % 3
            changes = {
                "max_parallel": parallel,
                "max_hours": None,
                "target": (None, 0.5, 0.9)[pick % 3],
            }
            self.most_at_a_time = max(self.most_at_a_time, parallel)
            revision.experiment_revise(user=self.owner, experiment=experiment, changes=changes)
        elif action == "add" and len(self.runs) < MOST_RUNS:
            launch.runs_add(user=self.owner, experiment=experiment, param_sets=[{"lr": 0.5}])
        elif begun and len(self.runs) < MOST_RUNS:
            parent = _one(begun, pick)
            longer = {"epochs": self.book.checkpoints[parent.pk] + 1}
            start = forking.run_fork(user=self.owner, run=parent, params=longer).start_checkpoint
            assert start
            assert start.step == self.book.checkpoints[parent.pk]

    # -- the portal's own work -------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.5, 2, 10, 40, 100]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(trouble=st.sampled_from(["", "", "", "", "it was stopped before", "the backend is away"]))
    def tick(self, trouble: str = "") -> None:
        late = trouble == "it was stopped before"
        cache.set(outage.KEY, self.clock.now.timestamp() - (1000 if late else 1))
        orphans = self._orphans()
        self.runner.down = trouble == "the backend is away"
        losses.losses_settle()
        reconcile.reconcile()
        self.runner.down = False
        assert not orphans & self._orphans(), "a pass has not found a run that had lost its lease before"
        serving = Allocation.objects.exclude(state__in=["draining", "ended"]).values_list("pk", flat=True)
        limit = self.experiment.max_parallel
        assert len(serving) <= limit, "a tick has left more allocations than may serve"
        self.most_at_a_time = max(limit, len({*serving, *(lease.allocation_id for lease in self.leases)}))

    def _orphans(self) -> set[UUID]:
        """Runs that are under way by their state, but nobody's."""
        self.look()
        return {run.pk for run in self.runs if run.state in RUN_LEASED} - {
            one.subject_id for one in self.leases
        }

    @rule(pick=PICK)
    def thin_out(self, pick: int) -> None:
        retention.checkpoints_thin_out(_one(self.runs, pick).pk)

    @precondition(lambda self: self.working)
    @rule(pick=PICK)
    def order_to_prune(self, pick: int) -> None:
        run = Run.objects.select_related("experiment").get(pk=_one(self.working, pick).run_id)
        asked = run.stop_reason in ("", StopReason.PAUSED)
        assert lifecycle.run_ask_to_stop(run, StopReason.PRUNED, "too bad") is asked

    @precondition(lambda self: self.runs)
    @rule(pick=PICK)
    def compact(self, pick: int) -> None:
        """Whoever compacts has no part in the history: points and summaries stay what they were."""
        run = _one(self.runs, pick)
        points_compact(run.pk)
        before = everything()
        assert points_compact(run.pk) == 0
        assert everything() == before

    # -- workers and their backend ---------------------------------------------------------------------------------

    @precondition(lambda self: self.jobs)
    @rule(pick=PICK, restarted=st.booleans(), late=st.booleans())
    def lease(self, pick: int, restarted: bool = False, late: bool = False) -> None:
        """A group asks for a run: a new one, or one that the portal may have given up; or a replaced one, late."""
        allocation = _one(self.jobs, pick)
        mine = [group for group in self.groups if group.allocation_id == allocation.pk]
        if restarted or not mine:
            self.groups.append(Group(allocation.pk))
            mine = self.groups[-1:]
        group = _one(mine, pick) if late else mine[-1]
        if group is not mine[-1]:
            before = everything()
            with pytest.raises(Fenced):
                lease_next(allocation=allocation, group_id=group.id, environment={})
            assert everything() == before
            return
        order = lease_next(allocation=allocation, group_id=group.id, environment={})
        if order.run and group.take(order.run):
            run = Run.objects.get(pk=group.run_id)
            start = run.start_checkpoint.step if run.start_checkpoint else 0
            assert group.step == self.book.checkpoints.get(run.pk, start), (
                "it does not resume where it should"
            )
            self.book.resume(run.pk, group.step)
        if order.order == "drain":
            self.runner.end(allocation.submission_id, JobStatus.SUCCEEDED)

    @precondition(lambda self: self.working or self.jobs)
    @rule(pick=PICK, points=st.integers(0, 3), checkpoint=st.booleans(), diverges=st.integers(0, 15))
    def report(self, pick: int, points: int, checkpoint: bool, diverges: int) -> None:
        group = self._busy(pick)
        if group:
            self._post(group, points, checkpoint=checkpoint, diverges=diverges == 15)

    @precondition(lambda self: self.working or self.jobs)
    @rule(pick=PICK, points=st.integers(0, 2), outcome=st.sampled_from(["completed", "failed", "stopped"]))
    def end(self, pick: int, points: int, outcome: str) -> None:
        group = self._busy(pick)
        if group:
            self._post(group, points, end=outcome)
            assert Run.objects.get(pk=group.run_id).state not in RUN_LEASED

    def _busy(self, pick: int) -> Group | None:
        """A group with a run, if one has or gets one."""
        if not self.working:
            self.lease(pick)
            self.look()
        return _one(self.working, pick) if self.working else None

    def _post(self, group: Group, points: int, **content: Any) -> None:
        batch, sent = group.draft(points, **content)
        assert group.post(batch).expected == batch["seq"] + 1
        group.accepted(batch)
        report = batch.get("checkpoint")
        self.book.add(group.run_id, sent, report and report["step"])

    @precondition(lambda self: self.working)
    @rule(pick=PICK, ahead=st.integers(2, 4))
    def report_out_of_order(self, pick: int, ahead: int) -> None:
        group, before = _one(self.working, pick), everything()
        batch = group.draft(2, checkpoint=True, end="completed")[0] | {"seq": group.seq + ahead}
        with pytest.raises(Gap) as caught:
            group.post(batch)
        assert caught.value.details == {"expected": group.seq + 1}
        assert everything() == before

    @precondition(lambda self: any(group.last for group in self.groups))
    @rule(pick=PICK)
    def report_again(self, pick: int) -> None:
        """The answer was lost on its way."""
        group = _one([group for group in self.groups if group.last], pick)
        before = everything()
        assert group.last
        if group.allocation.state == "ended":
            with pytest.raises(Unauthenticated):
                group.post(group.last)
        else:
            assert group.post(group.last).expected == group.seq + 1
        assert everything() == before

    @precondition(lambda self: self.stale)
    @rule(pick=PICK, outcome=st.sampled_from(["", "completed", "failed", "stopped"]))
    def report_late(self, pick: int, outcome: str) -> None:
        """A group that does not know yet that its lease has ended."""
        group = _one(self.stale, pick)
        batch, sent = group.draft(2, checkpoint=True, end=outcome)
        before = points_and_states()
        reason = Lease.objects.get(pk=batch["fence"]).release_reason
        current = Run.objects.get(pk=group.run_id).attempts_made == batch["attempt"]
        try:
            group.post(batch)
        except LATE:
            taken = False
        else:
            taken = current
            assert reason in ("completed", "failed", "stopped"), "only what was on its way may come late"
            group.accepted(batch)
        if taken:
            self.book.add(group.run_id, sent, batch["checkpoint"]["step"])
        after = points_and_states()
        assert (after.runs, after.events) == (before.runs, before.events), "it changed a state"
        assert taken or after == before

    @precondition(lambda self: self.jobs)
    @rule(pick=PICK, age=st.sampled_from([0, 0, 60]), speaks=st.booleans())
    def group_is_reported_dead(self, pick: int, age: int, speaks: bool) -> None:
        allocation = _one(self.jobs, pick)
        self.clock.advance(0.1)
        died_at = self.clock.now - timedelta(seconds=age)
        mine = [lease for lease in self.leases if lease.allocation_id == allocation.pk]
        group_died(allocation, code="worker_died", detail="SIGKILL", died_at=died_at)
        for lease in mine:
            lease.refresh_from_db()
            assert (lease.released_at is None) == (lease.created_at >= died_at)
        self.look()
        if speaks and self.stale:
            self.report_late(pick, outcome="")

    @precondition(lambda self: self.jobs)
    @rule(pick=PICK, status=st.sampled_from([JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.MISSING]))
    def job_ends(self, pick: int, status: JobStatus) -> None:
        self.runner.end(_one(self.jobs, pick).submission_id, status, "it is gone")

    def _ask(self, allowed: bool, act: Callable[[], object]) -> None:
        """What the state does not allow is refused, and changes nothing."""
        if allowed:
            act()
            return
        before = everything()
        with pytest.raises(Conflict):
            act()
        assert everything() == before


def _one(things: Sequence[T], pick: int) -> T:
    return things[pick % len(things)]
