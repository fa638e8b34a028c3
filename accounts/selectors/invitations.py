"""Reading invitations."""

from typing import TYPE_CHECKING

from django.db.models import F, Q

from accounts.models import Invitation, Project, Role
from mlplatform.kernel import clock

if TYPE_CHECKING:
    from django.db.models import QuerySet


def invitations_open() -> "QuerySet[Invitation]":
    """Those that let somebody in now: not used up, revoked or expired, and made by somebody who still may invite."""
    maker = Q(created_by__is_superuser=True) | Q(
        project__memberships__user=F("created_by"), project__memberships__role=Role.OWNER
    )
    return Invitation.objects.filter(
        maker,
        Q(project=None) | Q(project__deleting_at=None),
        created_by__is_active=True,
        revoked_at=None,
        expires_at__gt=clock.now(),
        uses__lt=F("max_uses"),
    ).distinct()


def invitations_of(project: Project | None) -> "QuerySet[Invitation]":
    """The open ones of a project, or those to the portal alone; newest first."""
    return invitations_open().filter(project=project).select_related("created_by")
