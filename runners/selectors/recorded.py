"""What was asked for and held in the past, as load to simulate."""

from datetime import timedelta

from django.db.models import Count

from accounts.models import Project
from mlplatform.kernel import clock
from runners.admission import Claim
from runners.admission.simulation import Job
from runners.limits import scopes_of
from runners.models import Allocation


def recorded_load(backend: str, *, days: int) -> list[Job]:
    """Allocations of the last days that held something and have ended, with the lengths that they had. One query."""
    ended = Allocation.objects.filter(
        backend=backend,
        submitted_at__isnull=False,
        ended_at__isnull=False,
        created_at__gte=clock.now() - timedelta(days=days),
    )
    return [_job(row) for row in ended.annotate(pieces=Count("leases")).order_by("created_at")]


def project_names() -> dict[str, str]:
    """Slugs by the names that claims have for projects. One query."""
    return {str(pk): slug for pk, slug in Project.objects.values_list("pk", "slug")}


def _job(row: "Allocation") -> Job:
    assert row.submitted_at is not None
    assert row.ended_at is not None
    work = max((row.ended_at - row.submitted_at).total_seconds(), 0.0)
    claim = Claim(
        id=row.id,
        cpus=row.cpus,
        gpus=row.gpus,
        memory=row.memory,
        project=str(row.project_id or ""),
        user=str(row.user_id or ""),
        scopes=scopes_of(row.backend, row.project_id, row.user_id),
        priority=row.priority,
        asked=row.created_at.timestamp(),
        lasts=work,
        preemptible=row.preemptible,
    )
    pieces: int = row.pieces  # type: ignore[attr-defined]  # annotated
    return Job(claim, work, work / pieces if pieces else None)
