"""Writing the audit trail."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from django.http import HttpRequest

from accounts.models import AuditEvent, Project, User


def audit(
    actor: User | None,
    verb: str,
    target: object,
    *,
    project: Project | None = None,
    address: str | None = None,
    **detail: Any,
) -> None:
    """Add one row, with the token that the actor came with. Call it in the transaction of the change itself.

    Where the actor is comes from the request that is being answered, unless `address` says so.
    """
    if actor is not None and actor.grant is not None:
        detail = {"token": actor.grant.prefix, **detail}
    AuditEvent.objects.create(
        actor=actor,
        actor_name=actor.username if actor else "",
        verb=verb,
        target=str(target)[:200],
        project=project,
        project_slug=project.slug if project else "",
        address=client_address(context.request) if address is None else address,
        detail=detail,
    )


def client_address(request: HttpRequest | None) -> str:
    """Where the request came from, as far as known; headers count only for MLP_TRUSTED_PROXIES."""
    is_known = request is not None and request.META.get("REMOTE_ADDR")
    return str(get_adapter().get_client_ip(request)) if is_known else ""
