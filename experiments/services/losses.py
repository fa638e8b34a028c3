"""Runs that have lost their lease: found and settled by a pass of their own, whatever the reconciler is busy with."""

import logging

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from experiments.models import Run
from experiments.services.lifecycle import run_lost
from experiments.states import RUN_LEASED
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
