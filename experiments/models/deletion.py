"""What people deleted: gone from the pages at once, from the database, the storage and MLflow step by step."""

import uuid

from django.conf import settings
from django.db import models


class Deletion(models.Model):
    """One deletion that somebody asked for. It stays, and says how many bytes it freed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("accounts.Project", models.SET_NULL, null=True, related_name="deletions")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    # In words, because what it names is gone.
    what = models.CharField(max_length=300)
    runs = models.PositiveIntegerField(default=0)
    freed_bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    # Empty while anything of it is left.
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.what


class Purge(models.Model):
    """Outbox row: what a deleted run has in the storage and in MLflow; without a run, MLflow's experiment itself."""

    deletion = models.ForeignKey(Deletion, models.CASCADE, related_name="purges")
    # Ids of rows that are not there any more.
    experiment_id = models.UUIDField()
    run_id = models.UUIDField(null=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = (models.Index(fields=["next_try_at"], name="purge_due"),)

    def __str__(self) -> str:
        return f"purge of {self.run_id or self.experiment_id}"
