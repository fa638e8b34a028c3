"""Make what is so match what should be. Load, decide, apply: safe to repeat, in any number of processes."""

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q

from experiments.models import Bundle, Experiment, Run
from experiments.planning import OpenRun, Plan, Snapshot, plan, waiting_words
from experiments.services.bundles import bundle_files
from experiments.services.lifecycle import Cause, experiment_move, run_changed, run_finish, run_lost
from experiments.states import RUN_LEASED, RUN_TERMINAL, ExperimentState, RunState
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
        experiment = (
            Experiment.objects.select_for_update(of=("self",), no_key=True)
            .select_related("project")
            .get(pk=pk)
        )
        snapshot = _load(experiment)
        decision = plan(snapshot)
        _apply(experiment, decision, package_key)
    for allocation in Allocation.objects.filter(pk__in=decision.stop):
        try:
            allocation_stop(allocation, "stop_timeout")
        except RunnerUnavailable as error:
            logger.warning("could not stop %s: %s", allocation, error.message)


def _unsettled() -> list[UUID]:
    """Experiments with open runs or live allocations, or active ones with nothing left to do."""
    owners = Allocation.objects.exclude(state=AllocationState.ENDED).values("owner_id")
    wanted = Q(state=ExperimentState.ACTIVE) | Q(pk__in=owners) | Q(runs__state__in=RUN_LEASED)
    return list(
        Experiment.objects.filter(wanted).order_by("created_at").values_list("pk", flat=True).distinct()
    )


def _explain() -> None:
    """Write beside each queued run why it waits; the pages hear of it only when the words change."""
    queued = Experiment.objects.filter(state=ExperimentState.ACTIVE, runs__state=RunState.QUEUED)
    for experiment in queued.distinct():
        states = [(a.state, a.waiting_reason) for a in allocations_live(experiment.id)]
        words = waiting_words(
            states, failures=len(_failures(experiment)), max_parallel=experiment.max_parallel
        )
        runs = list(experiment.runs.filter(state=RunState.QUEUED).exclude(waiting_reason=words))
        Run.objects.filter(pk__in=[run.pk for run in runs], state=RunState.QUEUED).update(
            waiting_reason=words
        )
        with transaction.atomic():
            for run in runs:
                run_changed(run)


_package_keys: dict[str, str] = {}


def _package_key(bundle: Bundle) -> str:
    """Storage I/O, so it comes before the transaction; once per bundle and process."""
    if bundle.sha256 not in _package_keys:
        _package_keys[bundle.sha256] = package_build(bundle_files(bundle))
    return _package_keys[bundle.sha256]


def _load(experiment: Experiment) -> Snapshot:
    runs = list(experiment.runs.exclude(state__in=RUN_TERMINAL))
    leases = leases_active(run.id for run in runs)
    serving = [a.id for a in allocations_live(experiment.id) if a.state != AllocationState.DRAINING]
    failures = [a.ended_at for a in _failures(experiment) if a.ended_at]
    return Snapshot(
        now=clock.now(),
        active=experiment.state == ExperimentState.ACTIVE,
        open_runs=[
            OpenRun(
                id=run.id,
                state=run.state,
                leased=run.id in leases,
                stop_requested_at=run.stop_requested_at,
                allocation_id=leases[run.id].allocation_id if run.id in leases else None,
            )
            for run in runs
        ],
        serving=serving,
        max_parallel=experiment.max_parallel,
        failures=failures,
        stop_grace=timedelta(seconds=settings.STOP_GRACE_SECONDS),
    )


def _failures(experiment: Experiment) -> list[Allocation]:
    """Jobs that died before they leased anything, since a run was last queued by a person."""
    since = experiment.events.filter(kind="queued").aggregate(at=Max("at"))["at"]
    return [a for a in failed_in_a_row(experiment.id) if since is None or a.created_at >= since]


def _apply(experiment: Experiment, decision: Plan, package_key: str) -> None:
    for run in _locked_runs(experiment, decision.lost):
        lease = lease_last(run.id)
        if lease is None or lease.released_at is not None:
            run_lost(run, lease.release_reason if lease else "backend_lost")
    if decision.give_up:
        _give_up(experiment)
    if decision.complete:
        experiment_move(experiment, ExperimentState.COMPLETED, "completed")
    if decision.drain:
        for allocation in allocations_live(experiment.id):
            allocation_drain(allocation)
    if decision.request and experiment.state == ExperimentState.ACTIVE:
        for _ in range(decision.request):
            allocation_request(
                owner_id=experiment.id,
                backend=experiment.backend,
                workers=experiment.workers,
                cpus_per_worker=experiment.cpus_per_worker,
                gpus_per_worker=experiment.gpus_per_worker,
                package_key=package_key,
                fresh_process=experiment.fresh_process,
            )


def _locked_runs(experiment: Experiment, ids: tuple[UUID, ...]) -> list[Run]:
    rows = Run.objects.select_for_update(of=("self",), no_key=True).select_related("experiment")
    return list(rows.filter(experiment=experiment, pk__in=ids, state__in=RUN_LEASED))


def _give_up(experiment: Experiment) -> None:
    """Three jobs in a row died before they could lease anything: what waits fails, with the backend's words."""
    last = _failures(experiment)[0]
    message = (
        f"The job could not be started at the backend {last.backend}. Its last words are below; "
        "retry when it is mended."
    )
    cause = Cause("submit_failed", message, last.end_detail)
    queued = Run.objects.select_for_update(of=("self",), no_key=True).select_related("experiment")
    for run in queued.filter(experiment=experiment, state=RunState.QUEUED):
        run_finish(run, RunState.FAILED, cause)
