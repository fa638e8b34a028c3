"""What the planner decides over: an experiment's rows at this moment."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max

from experiments.causes import start_is_hopeless
from experiments.models import Experiment
from experiments.planning import GIVE_UP_AFTER, OpenRun, Snapshot
from experiments.services.budget import target_winners
from experiments.services.searching import SEARCH_FAILED, sets_wanted
from experiments.states import INTERRUPTIONS, RUN_LEASED, RUN_OPEN, ExperimentState, StopReason
from mlplatform.kernel import clock
from runners.models import Allocation
from runners.selectors.allocations import allocations_live, failed_in_a_row, leases_active
from runners.states import AllocationState

TAKEN_UP = ("queued", "changed", "reopened", "resumed")


def snapshot(experiment: Experiment, over: str) -> Snapshot:
    """Read it. `over` is why nothing more is to start, empty if it may."""
    # As tuples: ten thousand may wait, and this is read every two seconds.
    columns = ("id", "state", "stop_reason", "stop_requested_at", "not_before", "exempt")
    rows = list(experiment.runs.filter(state__in=RUN_OPEN).values_list(*columns))
    winners = target_winners(experiment) if over == StopReason.TARGET else ()
    leases = leases_active(pk for pk, state, *_ in rows if state in RUN_LEASED)
    live = allocations_live(experiment.id)
    failed = failures(experiment)
    sets = sets_wanted(experiment)
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
                pausing=reason in INTERRUPTIONS,
                not_before=not_before,
                allocation_id=leases[pk].allocation_id if pk in leases else None,
            )
            for pk, state, reason, asked_at, not_before, exempt in rows
        ],
        serving={a.id: a.state for a in live if a.state != AllocationState.DRAINING},
        max_parallel=experiment.max_parallel,
        failures=[a.ended_at for a in failed if a.ended_at],
        hopeless=not at_work and any(start_is_hopeless(a.end_detail) for a in failed),
        sets=sets,
        search_failures=_search_failures(experiment) if sets else (),
        stop_grace=timedelta(seconds=settings.STOP_GRACE_SECONDS),
        pause_grace=timedelta(seconds=settings.PAUSE_GRACE_SECONDS),
    )


def failures(experiment: Experiment) -> list[Allocation]:
    """Jobs that died before they leased anything, since a person last took the experiment up."""
    failed = failed_in_a_row(experiment.id)
    if not failed:
        # A large experiment has a large history.
        return []
    since = _taken_up_at(experiment)
    return [a for a in failed if since is None or a.created_at >= since]


def _search_failures(experiment: Experiment) -> list[datetime]:
    """When the searcher failed since it last made a set, or a person last took the experiment up."""
    failed = experiment.events.filter(kind=SEARCH_FAILED)
    made_at = experiment.runs.filter(searched=True).aggregate(at=Max("created_at"))["at"]
    for since in (made_at, _taken_up_at(experiment)):
        if since is not None:
            failed = failed.filter(at__gt=since)
    return list(failed.order_by("-at").values_list("at", flat=True)[:GIVE_UP_AFTER])


def _taken_up_at(experiment: Experiment) -> datetime | None:
    """When a person last gave it something to do, or something to do it with."""
    events = experiment.events.filter(kind__in=TAKEN_UP, actor__isnull=False)
    at: datetime | None = events.aggregate(at=Max("at"))["at"]
    return at
