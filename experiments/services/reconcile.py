"""Make what is so match what should be. Load, decide, apply: safe to repeat, in any number of processes."""

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from experiments.causes import start_cause, start_is_hopeless
from experiments.models import Bundle, Experiment, Run
from experiments.planning import OpenRun, Plan, Snapshot, plan, waiting_words
from experiments.services.budget import search_over, target_winners
from experiments.services.bulk import runs_end, runs_finish
from experiments.services.bundles import bundle_files
from experiments.services.lifecycle import (
    PAUSING,
    experiment_locked,
    experiment_move,
    run_ask_to_stop,
    run_changed,
    run_lost,
)
from experiments.services.searching import sets_propose
from experiments.states import RUN_LEASED, RUN_OPEN, ExperimentState, RunState, StopReason
from mlplatform.kernel import clock
from runners.models import Allocation
from runners.port import RunnerUnavailable
from runners.selectors.allocations import allocations_live, failed_in_a_row, lease_last, leases_active
from runners.services.allocations import (
    allocation_drain,
    allocation_request,
    allocation_stop,
    allocations_tick,
)
from runners.services.leases import leases_release_expired
from runners.services.packages import package_build
from runners.states import AllocationState

logger = logging.getLogger(__name__)
# Pages hear of so many runs one by one when what they wait for changes; each is a message of its own.
RUNS_TOLD = 200


def reconcile() -> None:
    """One tick: leases, experiments, then the backends (the only part with network calls)."""
    leases_release_expired()
    for pk in _unsettled():
        try:
            reconcile_experiment(pk)
        except Exception:
            logger.exception("experiment %s could not be reconciled; the next tick tries again", pk)
    allocations_tick()
    _explain()


def reconcile_experiment(pk: UUID) -> None:
    """Bring one experiment forward. One transaction, under its row lock; stops of overdue jobs come after it."""
    bundle = Experiment.objects.select_related("bundle").get(pk=pk).bundle
    package_key = _package_key(bundle)
    with transaction.atomic():
        experiment = experiment_locked(pk)
        over = search_over(experiment)
        if experiment.state == ExperimentState.ACTIVE and not over:
            sets_propose(experiment)
        decision = plan(_load(experiment, over))
        _apply(experiment, decision, package_key, bundle.requirements)
        if decision.end:
            runs_end(experiment, experiment.runs.filter(pk__in=decision.end), over)
    for allocation in Allocation.objects.filter(pk__in=decision.stop):
        try:
            allocation_stop(allocation, "stop_timeout")
        except RunnerUnavailable as error:
            logger.warning("could not stop %s: %s", allocation, error.message)


def _unsettled() -> list[UUID]:
    """Experiments with open runs or live allocations, or active ones with nothing left to do."""
    owners = Allocation.objects.exclude(state=AllocationState.ENDED).values("owner_id")
    leased = Run.objects.filter(experiment=OuterRef("pk"), state__in=RUN_LEASED)
    wanted = Q(state=ExperimentState.ACTIVE) | Q(pk__in=owners) | Exists(leased)
    return list(Experiment.objects.filter(wanted).order_by("created_at").values_list("pk", flat=True))


def _explain() -> None:
    """Write beside each queued run why it waits; the pages hear of it only when the words change."""
    queued = Run.objects.filter(state=RunState.QUEUED)
    active = [ExperimentState.ACTIVE, ExperimentState.PAUSED]
    waiting = Experiment.objects.filter(Exists(queued.filter(experiment=OuterRef("pk"))), state__in=active)
    for experiment in waiting:
        words = _waiting_words(experiment)
        # Those that back off after a loss say so themselves.
        unsaid = queued.filter(experiment=experiment).exclude(waiting_reason=words)
        unsaid = unsaid.exclude(not_before__gt=clock.now())
        first = list(unsaid.only("experiment").order_by("number")[:RUNS_TOLD])
        if first:
            unsaid.update(waiting_reason=words)
            with transaction.atomic():
                for run in first:
                    run_changed(run)


def _waiting_words(experiment: Experiment) -> str:
    if experiment.state == ExperimentState.PAUSED:
        return "The experiment is paused; resume it to go on."
    states = [(a.state, a.waiting_reason) for a in allocations_live(experiment.id)]
    return waiting_words(states, failures=len(_failures(experiment)), max_parallel=experiment.max_parallel)


_package_keys: dict[str, str] = {}


def _package_key(bundle: Bundle) -> str:
    """Storage I/O, so it comes before the transaction; once per bundle and process."""
    if bundle.sha256 not in _package_keys:
        _package_keys[bundle.sha256] = package_build(bundle_files(bundle))
    return _package_keys[bundle.sha256]


def _load(experiment: Experiment, over: str) -> Snapshot:
    # As tuples: ten thousand may wait, and this is read every two seconds.
    columns = ("id", "state", "stop_reason", "stop_requested_at", "not_before", "exempt")
    rows = list(experiment.runs.filter(state__in=RUN_OPEN).values_list(*columns))
    winners = target_winners(experiment) if over == StopReason.TARGET else ()
    leases = leases_active(pk for pk, state, *_ in rows if state in RUN_LEASED)
    live = allocations_live(experiment.id)
    serving = {a.id: a.state for a in live if a.state != AllocationState.DRAINING}
    failures = _failures(experiment)
    at_work = any(a.state == AllocationState.RUNNING for a in live)
    return Snapshot(
        now=clock.now(),
        active=experiment.state == ExperimentState.ACTIVE,
        paused=experiment.state == ExperimentState.PAUSED,
        over=bool(over),
        open_runs=[
            OpenRun(
                id=pk,
                state=state,
                leased=pk in leases,
                stop_requested_at=asked_at,
                winner=pk in winners,
                exempt=exempt,
                pausing=reason == StopReason.PAUSED,
                not_before=not_before,
                allocation_id=leases[pk].allocation_id if pk in leases else None,
            )
            for pk, state, reason, asked_at, not_before, exempt in rows
        ],
        serving=serving,
        max_parallel=experiment.max_parallel,
        failures=[a.ended_at for a in failures if a.ended_at],
        hopeless=not at_work and any(start_is_hopeless(a.end_detail) for a in failures),
        stop_grace=timedelta(seconds=settings.STOP_GRACE_SECONDS),
        pause_grace=timedelta(seconds=settings.PAUSE_GRACE_SECONDS),
    )


def _failures(experiment: Experiment) -> list[Allocation]:
    """Jobs that died before they leased anything, since a run was last queued by a person."""
    failed = failed_in_a_row(experiment.id)
    if not failed:
        # A large experiment has a large history.
        return []
    since = experiment.events.filter(kind="queued", actor__isnull=False).aggregate(at=Max("at"))["at"]
    return [a for a in failed if since is None or a.created_at >= since]


def _apply(experiment: Experiment, decision: Plan, package_key: str, requirements: list[str]) -> None:
    for run in _locked_runs(experiment, decision.lost):
        lease = lease_last(run.id)
        if lease is None or lease.released_at is not None:
            run_lost(run, lease)
    for run in _locked_runs(experiment, decision.pause):
        run_ask_to_stop(run, StopReason.PAUSED, PAUSING)
    if decision.give_up:
        _give_up(experiment)
    if decision.complete:
        experiment_move(experiment, ExperimentState.COMPLETED, "completed")
    if decision.drain or decision.release:
        for allocation in allocations_live(experiment.id):
            if decision.drain or allocation.id in decision.release:
                allocation_drain(allocation)
    if decision.request and experiment.state == ExperimentState.ACTIVE:
        for _ in range(decision.request):
            allocation_request(
                owner_id=experiment.id,
                backend=experiment.backend,
                workers=experiment.workers,
                cpus_per_worker=experiment.cpus_per_worker,
                gpus_per_worker=experiment.gpus_per_worker,
                memory_per_worker=experiment.memory_per_worker,
                package_key=package_key,
                fresh_process=experiment.fresh_process,
                requirements=requirements,
            )


def _locked_runs(experiment: Experiment, ids: tuple[UUID, ...]) -> list[Run]:
    rows = Run.objects.select_for_update(of=("self",), no_key=True).select_related("experiment")
    return list(rows.filter(experiment=experiment, pk__in=ids, state__in=RUN_LEASED))


def _give_up(experiment: Experiment) -> None:
    """No job gets as far as leasing anything: what waits fails, with the backend's words."""
    failures = _failures(experiment)
    last = next((a for a in failures if start_is_hopeless(a.end_detail)), failures[0])
    cause = start_cause(last.end_reason, last.backend, last.end_detail)
    runs_finish(experiment, experiment.runs.all(), RunState.FAILED, cause)
