"""Uploaded or built-in training code."""

import uuid

from django.conf import settings
from django.db import models


class Bundle(models.Model):
    """A zip of training code in the storage path, named by its content."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("accounts.Project", models.CASCADE, related_name="bundles")
    name = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    files = models.JSONField(default=list)
    # What the code declares about itself: the validated experiment.yaml, or what was read from the source.
    manifest = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (models.UniqueConstraint(fields=["project", "sha256"], name="bundle_unique"),)

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:12]}"

    @property
    def key(self) -> str:
        """Storage key of the zip."""
        return f"bundles/{self.sha256}.zip"
