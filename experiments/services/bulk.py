"""Changes of many runs of one experiment, in as many statements as for one.

Call these in a transaction. They lock what they change, in order, and read it again: what is being leased, lost or
ended at that moment is waited for.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from experiments.causes import Cause
from experiments.models import Experiment, Run, RunEvent
from experiments.services.budget import end_cause, search_over
from experiments.services.lifecycle import (
    end_fields,
    experiment_changed,
    hand_over,
    is_awaited,
    run_ask_to_stop,
    runs_changed,
)
from experiments.services.quotas import check_queued
from experiments.states import RUN_LEASED, RUN_MOVES, RUN_OPEN, RunState
from mlplatform.broker import enqueue
from mlplatform.kernel.states import move_all

AT_NEXT_REPORT = "Cancel was asked for; it stops at its next report."
RETRIABLE = (RunState.FAILED.value, RunState.CANCELED.value)


# A retry begins anew, except that the run goes on from its last checkpoint.
FRESH: dict[str, Any] = {
    "failures": 0,
    "losses": 0,
    "ended_at": None,
    "stop_reason": "",
    "stop_requested_at": None,
    "not_before": None,
    "cause_code": "",
    "cause_message": "",
    "cause_traceback": "",
}


def runs_open(runs: "QuerySet[Run]") -> list[Run]:
    """Those of the runs that are not over, locked. Also what waits: it may be leased at this moment."""
    rows = runs.filter(state__in=RUN_OPEN).select_for_update(of=("self",), no_key=True)
    return list(rows.only("experiment_id", "number", "state").order_by("number"))


def runs_end(
    experiment: Experiment, runs: "QuerySet[Run]", reason: str, *, actor: User | None = None
) -> list[Run]:
    """End those of the runs that are open: what waits at once, the others at their next report. Which they were."""
    cause = end_cause(experiment, reason)
    found = runs_open(runs)
    waiting = [run.pk for run in found if run.state == RunState.QUEUED]
    runs_finish(experiment, Run.objects.filter(pk__in=waiting), RunState.CANCELED, cause, actor=actor)
    for run in found:
        if run.state in RUN_LEASED:
            run_ask_to_stop(run, reason, cause.message if cause else AT_NEXT_REPORT, actor=actor)
    return found


def runs_finish(
    experiment: Experiment,
    runs: "QuerySet[Run]",
    state: str,
    cause: Cause | None = None,
    *,
    actor: User | None = None,
) -> None:
    """End those of the runs that wait."""
    ids = move_all(RUN_MOVES, runs, RunState.QUEUED, state, **end_fields(state, cause))
    if not ids:
        return
    _tell(experiment, ids, state, cause.message if cause else "", actor)
    hand_over(Run.objects.filter(pk__in=ids, attempts_made__gt=0).values_list("pk", flat=True))
    if is_awaited(experiment):
        enqueue("reconcile")


def runs_requeue(experiment: Experiment, runs: "QuerySet[Run]", actor: User) -> list[UUID]:
    """A person wants another try at those of the runs that failed or were canceled. Which they were.

    Raises QuotaExceeded.
    """
    fields = {**FRESH, "exempt": bool(search_over(experiment))}
    ids = [pk for old in RETRIABLE for pk in move_all(RUN_MOVES, runs, old, RunState.QUEUED, **fields)]
    if ids:
        check_queued(experiment, len(ids))
        _tell(experiment, ids, "queued", "Retried.", actor)
    return ids


def _tell(experiment: Experiment, ids: Sequence[UUID], kind: str, message: str, actor: User | None) -> None:
    """Into the history of each, and to the pages."""
    RunEvent.objects.bulk_create(
        RunEvent(experiment=experiment, run_id=pk, kind=kind, message=message[:500], actor=actor)
        for pk in ids
    )
    runs_changed(experiment.pk, ids)
    experiment_changed(experiment)
