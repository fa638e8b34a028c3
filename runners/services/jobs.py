"""An allocation as the job that its backend gets."""

import json

from django.conf import settings

from mlplatform.kernel import storage
from runners.models import Allocation
from runners.port import JobSpec
from runners.services.packages import package_url
from runners.services.tokens import allocation_token

ENTRYPOINT = "python -m mlp_harness.driver"


def job_of(allocation: Allocation) -> JobSpec:
    """The same whenever it is asked for."""
    described = {
        "id": str(allocation.id),
        "url": f"{settings.HARNESS_URL}/harness/v1",
        "workers": allocation.workers,
        "cpus_per_worker": allocation.cpus_per_worker,
        "gpus_per_worker": allocation.gpus_per_worker,
        "memory_per_worker": allocation.memory_per_worker,
        "storage_path": storage.url("runs"),
        "fresh_process": allocation.fresh_process,
        "system_metrics_s": settings.SYSTEM_METRICS_SECONDS,
    }
    return JobSpec(
        submission_id=allocation.submission_id,
        entrypoint=ENTRYPOINT,
        working_dir=package_url(allocation.package_key),
        environment={
            "MLP_ALLOCATION": json.dumps(described),
            "MLP_ALLOCATION_TOKEN": allocation_token(allocation),
        },
        metadata={"mlplatform.allocation": str(allocation.id)},
        requirements=tuple(allocation.requirements),
    )
