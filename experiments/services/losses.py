"""Runs that have lost their lease: found and settled by a pass of their own, whatever the reconciler is busy with."""

import logging

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from experiments.causes import DEATHS, lost_cause, lost_too_often_cause, poison_cause
from experiments.models import Run
from experiments.planning import back_off
from experiments.selectors.checkpoints import checkpoint_to_resume
from experiments.services.lifecycle import run_finish, run_requeue, run_stopped
from experiments.states import RUN_LEASED, RunState
from mlplatform.kernel import clock
from runners.models import Lease
from runners.selectors.allocations import lease_last
from runners.services.leases import leases_release_expired

logger = logging.getLogger(__name__)
# The next pass takes the others: it is late, and then blames nobody, if this one takes long.
RUNS_PER_PASS = 100


def losses_settle() -> None:
    """One pass: end the leases of those who are silent, then settle each run that is under way without a lease."""
    leases_release_expired()
    for pk in orphans().order_by("attempt_started_at").values_list("pk", flat=True)[:RUNS_PER_PASS]:
        try:
            with transaction.atomic():
                runs_settle(orphans().filter(pk=pk))
        except Exception:
            logger.exception("the loss of run %s could not be settled; the next pass tries again", pk)


def orphans() -> "QuerySet[Run]":
    """Runs that are under way by their state, but nobody's."""
    active = Lease.objects.filter(subject_id=OuterRef("pk"), released_at__isnull=True)
    return Run.objects.filter(~Exists(active), state__in=RUN_LEASED)


def runs_settle(rows: "QuerySet[Run]") -> None:
    """Settle these orphans, in the caller's transaction. What somebody else has locked is left to the next pass."""
    locked = rows.select_for_update(of=("self",), skip_locked=True, no_key=True).select_related("experiment")
    for run in locked:
        # Asked once more: between the look at the leases and the lock it may have been lost and leased again.
        lease = lease_last(run.id)
        if lease is None or lease.released_at is not None:
            run_lost(run, lease)


def run_lost(run: Run, lease: Lease | None) -> bool:
    """The attempt is gone though nobody ended it: resume from the last checkpoint, within a budget of its own.

    `lease` is the one that it had. Deaths count only while no new checkpoint is reached between them: what makes
    progress may go on. What does not backs off, and is poison in the end. Other losses are not the run's own doing.
    """
    cause = lost_cause(lease.release_reason, lease.release_detail) if lease else lost_cause("backend_lost")
    if run.stop_reason:
        return run_stopped(run, lost=cause)
    attempt = run.attempts.filter(number=run.attempts_made).first()
    reached = checkpoint_to_resume(run)
    progressed = attempt and reached and reached.step > attempt.resumed_from
    died = cause.code in DEATHS
    losses = (0 if progressed else run.losses) + died
    in_all = _lost_in_all(run)
    if losses >= settings.MAX_LOST_ATTEMPTS or in_all >= settings.MAX_LOST_IN_ALL:
        Run.objects.filter(pk=run.pk).update(losses=losses)
        # Poison: whoever runs it next would die as well.
        poison = died and losses >= settings.MAX_LOST_ATTEMPTS
        last = poison_cause(cause, losses) if poison else lost_too_often_cause(cause, in_all)
        return run_finish(run, RunState.FAILED, last)
    backs_off = died and losses > 1
    not_before = clock.now() + back_off(losses) if backs_off else None
    return run_requeue(
        run,
        "lost",
        cause.message,
        cause,
        losses=losses,
        not_before=not_before,
        waiting_reason=f"Its workers died {losses} times in a row; it is tried again at {not_before:%H:%M:%S} UTC."
        if not_before
        else "",
    )


def _lost_in_all(run: Run) -> int:
    """Attempts lost since a person last queued the run, this one included: code may save without ever resuming."""
    queued = run.events.filter(kind="queued").order_by("-id").values_list("at", flat=True).first()
    lost = run.attempts.filter(outcome="lost")
    return (lost.filter(started_at__gte=queued) if queued else lost).count() + 1
