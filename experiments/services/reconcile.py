"""Make what is so match what should be. Load, decide, apply: safe to repeat, in any number of processes.

First everything that needs nobody else; then the backends, over the network; then the code, from the storage.
"""

import logging
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from experiments.causes import Cause, bundle_cause, start_cause, start_is_hopeless
from experiments.models import Experiment, Run
from experiments.models.experiment import Priority
from experiments.planning import Plan, plan
from experiments.selectors.code import BundleBroken
from experiments.selectors.expectations import expected_of
from experiments.services.budget import search_over
from experiments.services.bulk import runs_end, runs_finish
from experiments.services.bundles import bundle_files
from experiments.services.lifecycle import PAUSING, experiment_locked, experiment_move, run_ask_to_stop
from experiments.services.preemption import runs_preempt
from experiments.services.snapshot import failures, snapshot
from experiments.services.waiting import runs_explain
from experiments.states import RUN_LEASED, ExperimentState, RunState, StopReason
from mlplatform.broker import enqueue
from mlplatform.kernel import storage
from runners.models import Allocation
from runners.port import RunnerRefused, RunnerUnavailable
from runners.selectors.allocations import allocations_live
from runners.services.admission import allocations_admit
from runners.services.allocations import (
    allocation_drain,
    allocation_request,
    allocation_stop,
    allocations_follow,
)
from runners.services.gates import gates_close
from runners.services.packages import package_build
from runners.states import AllocationState

logger = logging.getLogger(__name__)
T = TypeVar("T")


def reconcile() -> None:
    """One tick. Whatever fails is tried again at the next one, and keeps nothing else from being done."""
    wanting = [pk for pk in _unsettled() if _attempt(reconcile_experiment, pk)]
    allocations_follow()
    troubles = {pk: words for pk in wanting if (words := _attempt(workers_request, pk))}
    gates_close()
    allocations_admit(expected_of)
    runs_preempt()
    runs_explain(troubles)


def reconcile_experiment(pk: UUID) -> bool:
    """Bring one experiment forward, under its row lock; whether it wants workers."""
    with transaction.atomic():
        experiment = experiment_locked(pk)
        over = search_over(experiment)
        decision = plan(snapshot(experiment, over))
        _apply(experiment, decision)
        if decision.end:
            runs_end(experiment, experiment.runs.filter(pk__in=decision.end), over)
        if decision.propose:
            enqueue("propose", str(pk))
    for allocation in Allocation.objects.filter(pk__in=decision.stop):
        try:
            allocation_stop(allocation, "stop_timeout")
        except (RunnerUnavailable, RunnerRefused) as error:
            logger.warning("could not stop %s: %s", allocation, error.message)
    return decision.request > 0


def workers_request(pk: UUID) -> str:
    """Ask for the workers that an experiment lacks; what kept it from that, empty if nothing did.

    Without the code nothing can be started: if it is lost, what waits fails; if the storage is away, it waits on.
    """
    bundle = Experiment.objects.select_related("bundle").get(pk=pk).bundle
    try:
        package_key = _package_key(bundle.sha256, lambda: bundle_files(bundle))
    except storage.StorageAway as error:
        logger.warning("the code of experiment %s cannot be read: %s", pk, error.message)
        return f"Waits for the code. {error.message[:200]} It is tried again all the time."
    except BundleBroken as error:
        with transaction.atomic():
            _fail_queued(experiment_locked(pk), bundle_cause(error.message))
        return ""
    with transaction.atomic():
        experiment = experiment_locked(pk)
        # Once more, for somebody else may have asked meanwhile.
        for _ in range(plan(snapshot(experiment, search_over(experiment))).request):
            allocation_request(
                owner_id=experiment.id,
                backend=experiment.backend,
                workers=experiment.workers,
                cpus_per_worker=experiment.cpus_per_worker,
                gpus_per_worker=experiment.gpus_per_worker,
                memory_per_worker=experiment.memory_per_worker,
                package_key=package_key,
                fresh_process=experiment.fresh_process,
                requirements=bundle.requirements,
                project=experiment.project,
                user=experiment.created_by,
                priority=Priority(experiment.priority).rank,
            )
    return ""


def _attempt(step: Callable[[UUID], T], pk: UUID) -> T | None:
    try:
        return step(pk)
    except Exception:
        logger.exception("experiment %s could not be reconciled; the next tick tries again", pk)
        return None


def _unsettled() -> list[UUID]:
    """Experiments with open runs or live allocations, or active ones with nothing left to do."""
    owners = Allocation.objects.exclude(state=AllocationState.ENDED).values("owner_id")
    leased = Run.objects.filter(experiment=OuterRef("pk"), state__in=RUN_LEASED)
    wanted = Q(state=ExperimentState.ACTIVE) | Q(pk__in=owners) | Exists(leased)
    return list(Experiment.objects.filter(wanted).order_by("created_at").values_list("pk", flat=True))


_package_keys: dict[str, str] = {}


def _package_key(sha256: str, files: Callable[[], dict[str, bytes]]) -> str:
    """Packing takes seconds for large code, so once per process, unless the package was lost since."""
    known = _package_keys.get(sha256)
    if known is None or not storage.exists(known):
        known = _package_keys[sha256] = package_build(files())
    return known


def _apply(experiment: Experiment, decision: Plan) -> None:
    if decision.pause:
        rows = Run.objects.select_for_update(of=("self",), no_key=True).select_related("experiment")
        for run in rows.filter(pk__in=decision.pause, state__in=RUN_LEASED):
            run_ask_to_stop(run, StopReason.PAUSED, PAUSING)
    if decision.give_up:
        _give_up(experiment)
    if decision.complete:
        experiment_move(experiment, ExperimentState.COMPLETED, "completed")
    if decision.drain or decision.release:
        for allocation in allocations_live(experiment.id):
            if decision.drain or allocation.id in decision.release:
                allocation_drain(allocation)


def _give_up(experiment: Experiment) -> None:
    """No job gets as far as leasing anything: what waits fails, with the backend's words."""
    failed = failures(experiment)
    last = next((a for a in failed if start_is_hopeless(a.end_detail)), failed[0])
    _fail_queued(experiment, start_cause(last.end_reason, last.backend, last.end_detail))


def _fail_queued(experiment: Experiment, cause: Cause) -> None:
    runs_finish(experiment, experiment.runs.all(), RunState.FAILED, cause)
