"""Projects that are being deleted, or were."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse


class ProjectDeletion(models.Model):
    """What became of a project that somebody deleted. Outlives it, and is the outbox of what is still to be done."""

    # No key: the project goes, this stays.
    project_id = models.UUIDField(unique=True)
    slug = models.CharField(max_length=60)
    name = models.CharField(max_length=100)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="project_deletions"
    )
    requested_at = models.DateTimeField(auto_now_add=True)
    freed_bytes = models.PositiveBigIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    # What it waits for, in words for people.
    waits_for = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-requested_at", "-id")
        indexes = (
            models.Index(
                fields=["next_try_at"], condition=Q(finished_at__isnull=True), name="project_deletion_due"
            ),
        )

    def __str__(self) -> str:
        return f"deletion of {self.slug}"

    def get_absolute_url(self) -> str:
        """Page that tells how far it is."""
        return reverse("project_deletion", args=[self.pk])
