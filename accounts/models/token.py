"""API tokens."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models.grant import Grant, Scope
from accounts.models.project import Membership, Project


class ApiToken(models.Model):
    """A token for automation: of a person, or of a project and the member who made it. Only its hash is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    # Of a project's token, which so dies with its maker's membership, whoever ends that.
    membership = models.ForeignKey(Membership, models.CASCADE, null=True, blank=True, related_name="tokens")
    name = models.CharField(max_length=100)
    # By default as much as tokens could do before they had one.
    scope = models.CharField(max_length=5, choices=Scope, default=Scope.ADMIN)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    # The text before the last rotation, for as long as it still works.
    old_digest = models.CharField(max_length=64, unique=True, null=True, blank=True)
    old_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.GenericIPAddressField(null=True, blank=True)
    # Addresses that it came from, the newest last: one that is not here is news.
    used_from = ArrayField(models.CharField(max_length=45), default=list, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"

    @property
    def project(self) -> Project | None:
        """The only project that it opens; None for a personal one. Reads self.membership."""
        return self.membership.project if self.membership else None

    @property
    def grant(self) -> Grant:
        """What it allows. Reads self.membership."""
        project = self.membership.project_id if self.membership else None
        return Grant(Scope(self.scope), self.prefix, project, self.expires_at)

    def is_good(self, digest: str, now: datetime) -> bool:
        """Whether the text of this digest opens anything now, as far as the token itself goes."""
        is_current = digest == self.digest
        is_old = digest == self.old_digest and self.old_until is not None and now < self.old_until
        return (is_current or is_old) and not self.is_expired(now)

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now
