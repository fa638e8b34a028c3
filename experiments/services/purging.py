"""Taking apart what was deleted: rows at once or in steps, folders and MLflow through an outbox. Safe to repeat.

A row of the outbox is claimed by moving its `next_try_at`, worked on outside of any transaction, and removed when the
storage and the tracker have nothing of the run any more.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Min

from experiments.models import Deletion, Experiment, Purge, Run
from experiments.services.belongings import packages_purge, rows_erase
from experiments.services.mounted import storage_must_be_there
from experiments.tracking.registry import tracking_store
from mlplatform.broker import enqueue
from mlplatform.kernel import clock, storage
from mlplatform.kernel.errors import PlatformError

logger = logging.getLogger(__name__)
# Per call; if more is left, there is another one at once.
RUNS_AT_A_TIME = 200
STEPS = 20
PURGES_AT_A_TIME = 200
CLAIM = timedelta(minutes=5)
# A worker whose run was ended from outside may still be writing a checkpoint.
LATE = timedelta(minutes=1)
BACKOFF = (timedelta(seconds=10), timedelta(hours=1))


def runs_erase(experiment: Experiment, ids: Collection[UUID], deletion: Deletion) -> None:
    """Delete the rows of runs of an experiment; what they have elsewhere goes into the outbox.

    The caller holds the experiment's lock, in a transaction. Numbers of what is deleted are not given again.
    """
    runs = Run.objects.filter(pk__in=ids)
    last = runs.aggregate(number=Max("number"), set_number=Max("set_number"))
    sets = set(runs.values_list("set_number", flat=True))
    searched = set(runs.filter(searched=True).values_list("set_number", flat=True))
    Purge.objects.bulk_create(
        Purge(deletion=deletion, experiment_id=experiment.pk, run_id=pk, next_try_at=due)
        for pk, due in _due(ids)
    )
    freed = rows_erase(runs.only("pk", "created_at"))
    Deletion.objects.filter(pk=deletion.pk).update(freed_bytes=F("freed_bytes") + freed)
    left = set(experiment.runs.filter(set_number__in=sets).values_list("set_number", flat=True))
    Experiment.everything.filter(pk=experiment.pk).update(
        numbers_used=max(experiment.numbers_used, last["number"] or 0),
        sets_used=max(experiment.sets_used, last["set_number"] or 0),
        sets_deleted=F("sets_deleted") + len(searched - left),
    )
    _lead(experiment, left)


def purge_due() -> None:
    """A turn of taking apart what was deleted."""
    steps = STEPS
    for pk in Experiment.everything.filter(deleted_at__isnull=False).values_list("pk", flat=True):
        while steps and _take_apart(pk):
            steps -= 1
    for row in _claimed():
        _purge(row)
    _finish()
    if not steps or Purge.objects.filter(next_try_at__lte=clock.now()).exists():
        enqueue("purge_deleted")


def _due(ids: Collection[UUID]) -> list[tuple[UUID, datetime]]:
    """When the rest of each run may go: its last worker is surely silent by then, and the tracker was told or not."""
    now = clock.now()
    rows = Run.objects.filter(pk__in=ids).values_list(
        "pk", "ended_at", "tracking_sync__next_try_at", "tracking_sync__synced_at"
    )
    return [
        (pk, max(now, (ended_at or now) + LATE, now if synced_at is not None or telling is None else telling))
        for pk, ended_at, telling, synced_at in rows
    ]


def _lead(experiment: Experiment, sets: Collection[int]) -> None:
    """Each set has a first repeat, by which sets are counted."""
    rows = experiment.runs.filter(set_number__in=sets)
    headed = set(rows.filter(repeat=1).values_list("set_number", flat=True))
    firsts = rows.exclude(set_number__in=headed).values("set_number").annotate(first=Min("number"))
    experiment.runs.filter(number__in=[row["first"] for row in firsts]).update(repeat=1)


@transaction.atomic
def _take_apart(pk: UUID) -> bool:
    """One step of a deleted experiment: some of its runs, and its own row after the last. Whether more is left."""
    experiment = (
        Experiment.everything.select_for_update(of=("self",), skip_locked=True)
        .select_related("deletion")
        .filter(pk=pk)
        .first()
    )
    if experiment is None or experiment.deletion is None:
        return False
    # Forks have higher numbers than what they were forked from.
    ids = list(experiment.runs.order_by("-number").values_list("pk", flat=True)[:RUNS_AT_A_TIME])
    if ids:
        runs_erase(experiment, ids, experiment.deletion)
        return True
    # After its runs: the tracker may refuse to let go of an experiment that has some.
    Purge.objects.create(deletion=experiment.deletion, experiment_id=pk, next_try_at=clock.now() + LATE)
    experiment.delete()
    return False


def _claimed() -> list[Purge]:
    """Rows to work on now; nobody else takes them for a while."""
    now = clock.now()
    with transaction.atomic():
        rows = Purge.objects.select_for_update(skip_locked=True).filter(next_try_at__lte=now)
        claimed = list(rows.order_by("next_try_at")[:PURGES_AT_A_TIME])
        mine = Purge.objects.filter(pk__in=[row.pk for row in claimed])
        mine.update(next_try_at=now + CLAIM, tries=F("tries") + 1)
    return claimed


def _purge(row: Purge) -> None:
    """Delete what a run, or an experiment, has outside of the database. What fails is tried again later."""
    experiment_id = str(row.experiment_id)
    try:
        storage_must_be_there()
        if row.run_id is None:
            tracking_store().forget_experiment(experiment_id)
            _count(row, packages_purge(row.experiment_id))
        else:
            _count(row, storage.delete_tree(storage.url("runs", str(row.run_id))))
            _count(row, tracking_store().forget_run(experiment_id=experiment_id, run_id=str(row.run_id)))
    except PlatformError as error:
        _try_later(row, error.message)
    except Exception as error:
        logger.exception("%s failed; it is tried again", row)
        _try_later(row, f"Internal error ({type(error).__name__}); see the worker's log.")
    else:
        row.delete()


def _count(row: Purge, freed: int) -> None:
    """At once, so that a crash in the next step does not lose it."""
    if freed:
        Deletion.objects.filter(pk=row.deletion_id).update(freed_bytes=F("freed_bytes") + freed)


def _try_later(row: Purge, message: str) -> None:
    shortest, longest = BACKOFF
    wait = min(shortest * 2 ** min(row.tries, 16), longest)
    logger.warning("%s is not done yet (try %s): %s", row, row.tries + 1, message)
    Purge.objects.filter(pk=row.pk).update(next_try_at=clock.now() + wait, last_error=message)


def _finish() -> None:
    """Deletions of which nothing is left have come to their end."""
    over = Deletion.objects.filter(ended_at__isnull=True, purges=None, experiments=None)
    over.update(ended_at=clock.now())
