"""Quotas of a small team, some of them nearly used up, and hours of the last months."""

from datetime import timedelta

from accounts.models import Project, User
from accounts.services.quotas import quota_set
from experiments.models import Checkpoint, Experiment
from mlplatform.kernel import clock
from runners.models import Allocation
from runners.services.usage import usage_meter

GIB = 2**30
QUOTAS = (
    ("project", "cpus", 6, 8),
    ("project", "gpus", None, 2),
    ("project", "cpu_hours", 40, 100),
    ("project", "storage", 15, 20),
    ("project", "run_cpus", None, 4),
    ("user", "running_runs", 4, 6),
    ("user", "gpu_hours", 10, 50),
)


def seed_quotas(project: Project, owner: User, staff: User, running: Experiment) -> None:
    """After everything else was made: they would refuse it."""
    now = clock.now()
    victor = User.objects.get(username="victor")
    for user, hours, days in (
        (owner, 31.5, 2),
        (victor, 12, 1),
        (owner, 85, 33),
        (victor, 6, 40),
        (owner, 20, 65),
    ):
        begun = now - timedelta(days=days)
        Allocation.objects.create(
            owner_id=running.pk, project=project, user=user, backend=running.backend, state="ended", workers=2,
            cpus_per_worker=2, gpus_per_worker=0.5, package_key="packages/x.zip", submitted_at=begun,
            ended_at=begun + timedelta(hours=hours / 4),
        )  # fmt: skip
    usage_meter()
    for number, checkpoint in enumerate(Checkpoint.objects.filter(run__experiment__project=project)):
        Checkpoint.objects.filter(pk=checkpoint.pk).update(size=(1 + number % 3) * GIB // 2)
    for scope, resource, soft, hard in QUOTAS:
        quota_set(actor=staff, scope=scope, resource=resource, soft=soft, hard=hard)
    for hard in (40, 60, 100):
        quota_set(
            actor=staff, scope="project", project=project, resource="cpu_hours", soft=hard * 0.4, hard=hard
        )
    quota_set(actor=staff, scope="project", project=project, resource="queued_runs", hard=2)
    quota_set(actor=staff, scope="backend", backend="local", resource="running_runs", hard=12)
    quota_set(actor=staff, scope="member", project=project, resource="cpus", hard=4)
