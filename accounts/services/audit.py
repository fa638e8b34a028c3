"""Writing the audit trail."""

from typing import Any

from accounts.models import AuditEvent, Project, User


def audit(
    actor: User | None, verb: str, target: object, *, project: Project | None = None, **detail: Any
) -> None:
    """Add one row. Call it in the transaction of the change itself."""
    AuditEvent.objects.create(
        actor=actor, verb=verb, target=str(target)[:200], project=project, detail=detail
    )
