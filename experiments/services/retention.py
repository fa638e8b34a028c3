"""Deleting checkpoints that the experiment's policy does not keep, for real."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Max
from django.db.models.functions import Coalesce, NullIf

from experiments.models import Checkpoint, DiscardedFolder, Run
from experiments.retention import expendable
from experiments.selectors.checkpoints import known, policy_of
from experiments.services.mounted import storage_must_be_there
from mlplatform.broker import enqueue
from mlplatform.kernel import clock, storage

logger = logging.getLogger(__name__)
# Per call; what is left is found by the next one.
FOLDERS_AT_A_TIME = 200
RUNS_AT_A_TIME = 200
# Longer than any outage of the broker that goes unnoticed.
LOOK_BACK = timedelta(days=1)


@transaction.atomic
def checkpoints_thin_out(run_id: UUID) -> int:
    """Forget the checkpoints of a run that need not stay; their folders are deleted after it. Returns how many."""
    run = Run.objects.select_for_update(of=("self",), no_key=True).select_related("experiment").get(pk=run_id)
    rows = {row.pk: row for row in run.checkpoints.prefetch_related("forks")}
    going = [rows[pk] for pk in expendable(policy_of(run.experiment), known(run, rows.values()))]
    # Several checkpoints may have been reported into one folder.
    staying = {row.path for row in rows.values() if row not in going}
    paths = {row.path for row in going} - staying
    urls = filter(None, (storage.url_inside(path, "runs", str(run.id)) for path in sorted(paths)))
    DiscardedFolder.objects.bulk_create(DiscardedFolder(url=url) for url in urls)
    Checkpoint.objects.filter(pk__in=[row.pk for row in going]).delete()
    if going:
        enqueue("empty_discarded")
    return len(going)


def checkpoints_catch_up() -> int:
    """Thin out the runs that ended with more checkpoints than their policy explains: Valkey was away when they did.

    Returns how many checkpoints were dropped. One query if there is nothing to do.
    """
    # Within an aggregate: bound on the server, its 0 here and its 0 in GROUP BY would be two parameters.
    every = Max(NullIf(F("experiment__keep_every"), 0))
    multiples = ExpressionWrapper(Max("checkpoints__step") / every, output_field=BigIntegerField())
    explained = F("experiment__keep_last") + F("experiment__keep_best") + Coalesce(multiples, 0)
    ended = Run.objects.filter(ended_at__gt=clock.now() - LOOK_BACK)
    overlooked = ended.annotate(have=Count("checkpoints")).filter(have__gt=explained)
    return sum(checkpoints_thin_out(pk) for pk in overlooked.values_list("pk", flat=True)[:RUNS_AT_A_TIME])


def discarded_delete() -> int:
    """Delete the folders that nothing refers to any more; returns the bytes that are free again. Safe to repeat.

    One that cannot be deleted is logged and goes to the end of the line, so that it holds up no other. While
    the storage is away they all stay.
    """
    try:
        storage_must_be_there()
    except storage.StorageAway as error:
        logger.warning("nothing of what is not kept is deleted now: %s", error.message)
        return 0
    freed = 0
    for folder in DiscardedFolder.objects.order_by("pk")[:FOLDERS_AT_A_TIME]:
        try:
            freed += storage.delete_tree(folder.url)
        except Exception:
            logger.exception("%s could not be deleted; it is tried again after the others", folder.url)
            _put_last(folder)
        else:
            folder.delete()
    return freed


@transaction.atomic
def _put_last(folder: DiscardedFolder) -> None:
    found, _ = DiscardedFolder.objects.filter(pk=folder.pk).delete()
    # Unless somebody else deleted it, or put it there, meanwhile.
    if found:
        DiscardedFolder.objects.create(url=folder.url)
