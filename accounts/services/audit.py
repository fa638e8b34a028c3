"""Writing the audit trail."""

from typing import Any

from accounts.models import AuditEvent, Project, User


def audit(
    actor: User | None, verb: str, target: object, *, project: Project | None = None, **detail: Any
) -> None:
    """Add one row, with the token that the actor came with. Call it in the transaction of the change itself."""
    if actor is not None and actor.grant is not None:
        detail = {"token": actor.grant.prefix, **detail}
    AuditEvent.objects.create(
        actor=actor, verb=verb, target=str(target)[:200], project=project, detail=detail
    )
