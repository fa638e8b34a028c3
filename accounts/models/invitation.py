"""Invitations: whoever has the link may come in."""

from django.conf import settings
from django.db import models

from accounts.models.project import Project, Role


class Invitation(models.Model):
    """A link into a project, or to the portal alone. Only the hash of its secret part is kept; it is shown once.

    It is worth what its maker may do: see selectors.invitations.
    """

    # Empty: an account of the portal, and nothing else.
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="invitations")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    # Whom it was made for, if anybody said. Having the link is what counts.
    email = models.EmailField("e-mail address", blank=True)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    max_uses = models.PositiveSmallIntegerField(default=1)
    uses = models.PositiveSmallIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    # The last one; the audit trail has all of them.
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.prefix}… to {self.project or 'the portal'}"

    @property
    def uses_left(self) -> int:
        """How many people may still come in by it."""
        return self.max_uses - self.uses
