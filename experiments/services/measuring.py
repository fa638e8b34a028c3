"""How large checkpoints are: looked up once, after they came."""

import logging

from experiments.models import Checkpoint
from mlplatform.kernel import storage

logger = logging.getLogger(__name__)
AT_A_TIME = 500


def checkpoints_measure() -> int:
    """Look up the sizes that are not known yet; while the storage is away, later. Returns how many were found."""
    found = 0
    rows = Checkpoint.objects.filter(size__isnull=True).order_by("pk")
    for checkpoint in rows[:AT_A_TIME]:
        # What lies elsewhere is not ours to count.
        url = storage.url_inside(checkpoint.path, "runs", str(checkpoint.run_id))
        try:
            size = sum(storage.files_in(url).values()) if url else 0
        except storage.StorageAway as error:
            logger.warning("checkpoints cannot be measured: %s", error.message)
            break
        # Of several that were reported into one folder the last one has it.
        same = Checkpoint.objects.filter(run=checkpoint.run_id, path=checkpoint.path)
        same.exclude(pk=checkpoint.pk).update(size=0)
        found += same.filter(pk=checkpoint.pk).update(size=size)
    return found
