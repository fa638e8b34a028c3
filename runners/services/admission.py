"""Letting in what may start: decided under a lock, so that two cannot get the last place, and submitted after it."""

import logging

from django.db import transaction

from mlplatform.kernel import clock, locks
from runners.admission import Decision, decide
from runners.expected import Expect, nothing_known
from runners.models import Allocation
from runners.port import JobUnclear, RunnerRefused, RunnerUnavailable
from runners.registry import runner_for
from runners.selectors.situation import Situation, situation
from runners.services.allocations import allocation_drain, allocation_end, at_each_backend
from runners.services.forecasts import forecasts_keep
from runners.services.jobs import job_of
from runners.services.line import allocation_move, line_changed
from runners.states import AllocationState

logger = logging.getLogger(__name__)
BATCH = 1000
EXPLAINED = 200
FAR = "Waits for its turn behind many others."


def allocations_admit(expect: Expect = nothing_known) -> None:
    """Submit to the backends what may start, and say of the rest why it waits and when it will probably start."""

    def admit(backend: str) -> None:
        if Allocation.objects.filter(backend=backend, state=AllocationState.WAITING).exists():
            found, decision = backend_decide(backend, expect)
            _submit_all(backend)
            forecasts_keep(backend, found, decision)

    at_each_backend(admit)


@transaction.atomic
def backend_decide(backend: str, expect: Expect = nothing_known) -> tuple[Situation, Decision]:
    """Give places to whoever may have them. What others decided meanwhile is seen: the lock comes before the look."""
    # One for all backends, since a quota may span several.
    locks.hold("admission")
    found = situation(backend, expect)
    decision = decide(
        found.waiting, found.holding, found.totals, limits=found.limits, rules=found.rules, now=found.now
    )
    now = clock.now()
    for pk in (*decision.release, *decision.hand_over, *decision.preempt):
        allocation_drain(found.held[pk])
    Allocation.objects.filter(pk__in=decision.preempt, preempted_at=None).update(preempted_at=now)
    waits = Allocation.objects.filter(state=AllocationState.WAITING, admitted_at=None)
    waits.filter(pk__in=decision.admit).update(
        admitted_at=now, waiting_reason="", place=None, starts_at=None, starts_by=None, freed_by=None
    )
    _explain(found, decision)
    return found, decision


def _explain(found: Situation, decision: Decision) -> None:
    """Who is far behind in the line is told just that: what is free now changes with every tick, for thousands."""
    near = set(decision.line[:EXPLAINED])
    stuck = found.asking.keys() - decision.foreseeable
    changes = []
    for pk in decision.line:
        words = decision.reasons[pk][:300] if pk in near or pk in stuck else FAR
        if found.asking[pk].waiting_reason != words:
            changes.append(Allocation(pk=pk, waiting_reason=words))
    far = [each.pk for each in changes if each.waiting_reason == FAR]
    Allocation.objects.filter(pk__in=far).update(waiting_reason=FAR)
    told = [each for each in changes if each.waiting_reason != FAR]
    Allocation.objects.bulk_update(told, ["waiting_reason"], batch_size=BATCH)
    if changes:
        line_changed()


def _submit_all(backend: str) -> None:
    """Also what another process gave a place to and did not get round to submitting: a job is submitted once."""
    placed = Allocation.objects.filter(backend=backend, state=AllocationState.WAITING)
    for allocation in placed.exclude(admitted_at=None).order_by("admitted_at", "created_at"):
        _submit(allocation)


def _submit(allocation: Allocation) -> None:
    runner = runner_for(allocation.backend)
    try:
        runner.submit(job_of(allocation))
    except RunnerRefused as error:
        allocation_end(allocation, "submit_failed", error.message)
        return
    except JobUnclear as error:
        words = f"It was not taken yet. {error.message}"[:300]
        Allocation.objects.filter(pk=allocation.pk).update(waiting_reason=words)
        return
    if allocation_move(allocation, AllocationState.SUBMITTED, submitted_at=clock.now(), waiting_reason=""):
        return
    if Allocation.objects.filter(pk=allocation.pk, state=AllocationState.ENDED).exists():
        # Somebody had no use for it any more while it was on its way.
        try:
            runner.cancel(allocation.submission_id)
        except (RunnerUnavailable, RunnerRefused) as error:
            logger.warning("could not stop %s: %s", allocation, error.message)
