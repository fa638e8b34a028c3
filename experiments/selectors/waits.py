"""When does it probably start, and from whom does it get its place? Of what a person may not see, not even the name."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts.models import User
from accounts.permissions import is_staff, visible_projects
from experiments.models import Experiment, Run
from experiments.selectors.expectations import expected_of
from experiments.states import ExperimentState, RunState
from experiments.waiting import wait_words
from mlplatform.kernel import clock
from runners.models import Allocation
from runners.selectors.allocations import allocations_line, allocations_live, subjects_held
from runners.states import AllocationState


@dataclass(frozen=True)
class Wait:
    """`place` is that of its job in the line for the backend, 0 if its job has its place already.

    It is as likely to start before `starts_at` as after, and nine times in ten before `starts_by`; empty: nobody knows.
    `frees` says what will probably let go right before.
    """

    place: int
    starts_at: datetime | None = None
    starts_by: datetime | None = None
    frees: str = ""
    # Queued runs of its experiment that go before it.
    ahead: int = 0
    # What it lacks now.
    reason: str = ""

    @property
    def words(self) -> str:
        """As a sentence of now."""
        return wait_words(self.starts_at, self.starts_by, self.frees, clock.now())


def waits_of(user: User, waiting: Iterable[Allocation]) -> dict[UUID, Wait]:
    """By owner, of the first in line of each; staff see all. Four queries at most."""
    first: dict[UUID, Allocation] = {}
    for each in sorted(waiting, key=lambda each: (each.place is None, each.place or 0, each.created_at)):
        first.setdefault(each.owner_id, each)
    named = _names(user, {each.freed_by for each in first.values() if each.freed_by})
    return {
        owner: Wait(
            each.place or 0,
            each.starts_at,
            each.starts_by,
            named.get(each.freed_by, ""),
            0,
            each.waiting_reason,
        )
        for owner, each in first.items()
    }


def experiments_waits(user: User, experiments: Sequence[Experiment]) -> dict[UUID, Wait]:
    """Of those whose jobs wait in the line. Five queries at most."""
    return waits_of(user, allocations_line([each.pk for each in experiments]))


def run_wait(user: User, run: Run) -> Wait | None:
    """Of one run; None if it does not wait for room. Nine queries at most."""
    experiment = run.experiment
    if run.state != RunState.QUEUED or experiment.state != ExperimentState.ACTIVE:
        return None
    live = allocations_live(experiment.pk)
    in_line = [each for each in live if each.state == AllocationState.WAITING and each.admitted_at is None]
    serving = [each for each in live if each not in in_line and each.state != AllocationState.DRAINING]
    ahead = experiment.runs.filter(state=RunState.QUEUED, number__lt=run.number).count()
    # Each job takes the next run when it is done with the one before.
    at_a_time = max(1, min(experiment.max_parallel, len(serving) + len(in_line)))
    expected = expected_of([experiment.pk]).get(experiment.pk)
    job = waits_of(user, in_line).get(experiment.pk) if not serving else None
    turns = math.ceil((ahead + 1) / at_a_time) if serving else ahead // at_a_time
    median, late = (expected.run, expected.run_late) if expected else (None, None)
    begin = (job.starts_at, job.starts_by) if job else (clock.now(), clock.now()) if serving else (None, None)
    return Wait(
        job.place if job else 0,
        _later(begin[0], turns, median),
        _later(begin[1], turns, late),
        (job.frees if job and not turns else ""),
        ahead,
    )


def _later(begin: datetime | None, turns: int, seconds: float | None) -> datetime | None:
    if begin is None or (turns and seconds is None):
        return None
    return begin + timedelta(seconds=turns * (seconds or 0))


def _names(user: User, pks: set[UUID]) -> dict[UUID | None, str]:
    """What each of these allocations works on, as far as the person may know. Three queries at most."""
    if not pks:
        return {}
    rows = (
        Experiment.objects.all()
        if is_staff(user)
        else Experiment.objects.filter(project__in=visible_projects(user))
    )
    owners = dict(Allocation.objects.filter(pk__in=pks).values_list("pk", "owner_id"))
    experiments = dict(rows.filter(pk__in=owners.values()).values_list("pk", "name"))
    subjects = subjects_held(pks)
    numbers = dict(Run.objects.filter(pk__in=subjects.values()).values_list("pk", "number"))
    named: dict[UUID | None, str] = {}
    for pk in pks:
        name, number = experiments.get(owners.get(pk, pk)), numbers.get(subjects.get(pk, pk))
        if name is None:
            named[pk] = "somebody else’s run ends"
        elif number is None:
            named[pk] = f"{name} is done"
        else:
            named[pk] = f"run {number} of {name} ends"
    return named
