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
    # Where it came from: {"kind": "upload", "filename"}, {"kind": "example", "name"}, or
    # {"kind": "git", "url", "revision", "path", "commit"}, of which only the commit is ours to find out.
    source = models.JSONField(default=dict)
    # Lines of its requirements.txt, which Ray installs before the code runs.
    requirements = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        # The source counts: whoever fetched a commit sees that commit, though another had the same files.
        constraints = (models.UniqueConstraint(fields=["project", "sha256", "source"], name="bundle_unique"),)

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:12]}"

    @property
    def key(self) -> str:
        """Storage key of the zip."""
        return f"bundles/{self.sha256}.zip"

    @property
    def source_words(self) -> str:
        """Where it came from, in a few words; empty for what was taken in before sources were kept."""
        match self.source:
            case {"kind": "git", "url": url, "commit": commit, **rest}:
                folder = f" {rest['path']}" if rest.get("path") else ""
                return f"{url.partition('://')[2].removesuffix('.git')}{folder} @ {commit[:10]}"
            case {"kind": "upload", "filename": filename}:
                return f"Uploaded {filename}"
            case {"kind": "example", "name": name}:
                return f"Example {name}"
        return ""
