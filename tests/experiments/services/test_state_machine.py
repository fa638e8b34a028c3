"""Random histories of a sweep: after every step of any of them, what docs/invariants/states.md says must hold."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from accounts.models import Project, User
from experiments.models import Attempt, Bundle, Experiment, RunEvent
from experiments.services import losses, points, reconcile, revision
from experiments.states import RUN_LEASED, RUN_MOVES, RUN_TERMINAL
from runners.models import Allocation
from runners.services import leases
from tests.experiments.services.history import Moves, Stage, StoppedClock
from tests.experiments.services.sweep import Sweep
from tests.fakes.runner import FakeRunner

# The state that an event tells of; other events tell of none.
RUN_STATE_OF = {"lost": "queued", "paused": "queued", "retried": "queued"} | {
    state: state for state in RUN_MOVES
}
EXPERIMENT_STATE_OF = {"created": "active", "resumed": "active", "reopened": "active"} | {
    state: state for state in ("paused", "completed", "canceled")
}


@pytest.fixture
def stage(
    owner: User,
    project: Project,
    bundle: Bundle,
    runner: FakeRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    # A broken experiment is only logged, so that it does not hold up others.
    for module in (losses, reconcile):
        monkeypatch.setattr(module.logger, "exception", pytest.fail)
    monkeypatch.setattr(leases, "portal_was_away", lambda: False)
    for limit, value in (("CHUNK", 4), ("BUCKET", 2), ("FAN", 2), ("HOT_ROWS", 2), ("HOT_POINTS", 4)):
        monkeypatch.setattr(points, limit, value)
    with monkeypatch.context() as patch:
        yield Stage(owner, project, bundle, runner, StoppedClock(patch), Moves(patch))


class LawfulSweep(Sweep):
    """What must hold after every step, and in the end."""

    @invariant()
    def is_lawful(self) -> None:
        self.look()
        self._every_lease_is_that_of_a_running_attempt()
        self._every_run_has_a_lawful_history()
        self._attempts_count_up()
        self._what_is_paused_trains_nothing_on()
        self._what_people_queue_later_is_not_ended_by_the_budget()
        self._experiment_and_allocations_move_lawfully()
        self.book.check()

    def _every_lease_is_that_of_a_running_attempt(self) -> None:
        runs = {run.pk: run for run in self.runs}
        assert len(self.leases) <= self.most_at_a_time
        for lease in self.leases:
            run = runs.pop(lease.subject_id)  # a second active lease of the same run fails here
            assert run.state in RUN_LEASED
            assert lease.attempt == run.attempts_made
            assert lease.allocation.state != "ended"
            assert lease.group_id == lease.allocation.group_id

    def _every_run_has_a_lawful_history(self) -> None:
        events = list(RunEvent.objects.filter(kind__in=RUN_STATE_OF).exclude(run=None))
        for run in self.runs:
            told = [(RUN_STATE_OF[event.kind], event) for event in events if event.run_id == run.pk]
            moved = [new for _, new in self.moves.made[run.pk]]
            assert [state for state, _ in told] == ["queued", *moved], f"{run}: events and moves differ"
            self.moves.check(run.pk, "queued", run.state)
            for (before, _), (_, event) in pairwise(told):
                by_a_person = event.kind == "queued" and event.actor_id == self.owner.pk
                assert before not in RUN_TERMINAL or by_a_person, f"{run} went on after {before}"

    def _attempts_count_up(self) -> None:
        attempts = list(Attempt.objects.order_by("number"))
        for run in self.runs:
            mine = [one for one in attempts if one.run_id == run.pk]
            assert [one.number for one in mine] == list(range(1, run.attempts_made + 1))
            fences = [one.fence for one in mine]
            assert fences == sorted(set(fences))
            under_way = [one.number for one in mine if one.ended_at is None]
            assert under_way == ([run.attempts_made] if run.state in RUN_LEASED else [])

    def _what_is_paused_trains_nothing_on(self) -> None:
        if self.experiment.state == "paused":
            assert all(run.stop_reason for run in self.runs if run.state in RUN_LEASED)

    def _what_people_queue_later_is_not_ended_by_the_budget(self) -> None:
        ended = [run for run in self.runs if run.cause_code in revision.BUDGET_CAUSES]
        assert not any(run.exempt for run in ended)

    def _experiment_and_allocations_move_lawfully(self) -> None:
        told = RunEvent.objects.filter(run=None, kind__in=EXPERIMENT_STATE_OF).values_list("kind", flat=True)
        moved = [new for _, new in self.moves.made[self.pk]]
        assert [EXPERIMENT_STATE_OF[kind] for kind in told] == ["active", *moved]
        self.moves.check(self.pk, "active", Experiment.objects.get(pk=self.pk).state)
        for allocation in Allocation.objects.all():
            self.moves.check(allocation.pk, "waiting", allocation.state)
            ended = allocation.state == "ended"
            assert (allocation.ended_at is not None) is bool(allocation.end_reason) is ended

    def teardown(self) -> None:
        try:
            if hasattr(self, "pk"):
                self._ends()
        finally:
            super().teardown()

    def _ends(self) -> None:
        """Whatever has happened: with a backend that works, every run comes to an end."""
        if self.experiment.state == "paused":
            self.control("resume")
        for turn in range(60):
            if {run.state for run in self.runs} <= RUN_TERMINAL:
                break
            self.clock.advance(5)
            self.tick()
            if self.jobs or self.working:
                self.end(turn, 1, "completed")
            self.look()
        else:
            raise AssertionError(f"not over: {[(run.number, run.state) for run in self.runs]}")
        self.tick()
        assert self.experiment.state in ("completed", "canceled")


def test_every_history_is_lawful(stage: Stage) -> None:
    # A history takes as long as many examples of other tests.
    count = settings().max_examples // 5
    limits = settings(max_examples=count, stateful_step_count=40, suppress_health_check=list(HealthCheck))
    # Any factory will do.
    run_state_machine_as_test(lambda: LawfulSweep(stage), settings=limits)  # type: ignore[arg-type]
