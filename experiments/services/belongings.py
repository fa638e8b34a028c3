"""What belongs to an experiment: who works on it, and what goes with it."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from experiments.models import Experiment, LogChunk, MetricBatch, Run, TrackingSync
from experiments.selectors.sizes import rows_size
from experiments.services.bulk import runs_end
from experiments.services.lifecycle import experiment_locked, experiment_move
from experiments.services.tracking_sync import CLAIM
from experiments.states import EXPERIMENT_OPEN, RUN_LEASED, ExperimentState, StopReason
from mlplatform.broker import enqueue
from mlplatform.kernel import clock, storage
from runners.models import Allocation
from runners.states import LIVE


@transaction.atomic
def experiment_stop(pk: UUID) -> None:
    """Cancel what is open of it, whoever asks."""
    experiment = experiment_locked(pk)
    if experiment.state not in EXPERIMENT_OPEN:
        return
    runs_end(experiment, experiment.runs.all(), StopReason.CANCELED)
    experiment.search_stopped = True
    experiment.save(update_fields=["search_stopped"])
    experiment_move(experiment, ExperimentState.CANCELED, "canceled")
    enqueue("reconcile")


def still_busy(experiments: Collection[UUID]) -> str:
    """Who still writes into what belongs to these experiments, in words; empty if nobody does. Three queries."""
    jobs = Allocation.objects.filter(owner_id__in=experiments, state__in=LIVE).count()
    leased = Run.objects.filter(experiment__in=experiments, state__in=RUN_LEASED).count()
    if jobs or leased:
        return f"Waits for {max(jobs, leased)} job{'s' if max(jobs, leased) > 1 else ''} to stop."
    now = clock.now()
    # Whoever tells the tracker has claimed the row for this long.
    claimed = Q(next_try_at__gt=now, next_try_at__lte=now + CLAIM)
    if TrackingSync.objects.filter(claimed, synced_at=None, run__experiment__in=experiments).exists():
        return "Waits for MLflow to be told about the last runs."
    return ""


def rows_erase(runs: Iterable[Run]) -> int:
    """Delete the rows of runs with their points and logs; about how many bytes these took. Call it in a transaction."""
    months = {run.pk: run.month for run in runs}
    # Without the months PostgreSQL would look into each partition.
    points = MetricBatch.objects.filter(run__in=months, month__in=set(months.values()))
    freed = rows_size(points, LogChunk.objects.filter(run__in=months))
    points.delete()
    Run.objects.filter(pk__in=months).delete()
    return freed


def packages_purge(experiment_id: UUID) -> int:
    """Delete the packages that only jobs of this experiment ran in; the bytes. Who needs one makes it again."""
    keys = set(
        Allocation.objects.filter(owner_id=experiment_id).order_by().values_list("package_key", flat=True)
    )
    others = Experiment.objects.exclude(pk=experiment_id).values("pk")
    wanted = Allocation.objects.filter(package_key__in=keys, owner_id__in=others).order_by()
    return sum(
        storage.delete_tree(storage.url(key))
        for key in keys - set(wanted.values_list("package_key", flat=True))
        if key.startswith("packages/")
    )
