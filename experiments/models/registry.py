"""What of our runs is in MLflow: the outbox of the sync, and the model versions it made."""

from django.db import models
from django.db.models import Q
from django.urls import reverse


class TrackingSync(models.Model):
    """Outbox row of one finished run: `synced_at` empty means that MLflow still has to be told."""

    run = models.OneToOneField("experiments.Run", models.CASCADE, related_name="tracking_sync")
    mlflow_run_id = models.CharField(max_length=64, blank=True)
    # Empty if the run left no checkpoint with a model in it.
    model_uri = models.CharField(max_length=500, blank=True)
    # The checkpoint that the model was made from, and the objective there if it was reported.
    model_step = models.PositiveBigIntegerField(null=True)
    model_objective = models.FloatField(null=True)
    # Bytes of the model file that MLflow keeps.
    model_size = models.PositiveBigIntegerField(null=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
    synced_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["next_try_at"], condition=Q(synced_at__isnull=True), name="tracking_sync_due"
            ),
        )

    def __str__(self) -> str:
        return f"sync of {self.run_id}"


class ModelVersion(models.Model):
    """A version of a registered model in MLflow, and the run it came from."""

    project = models.ForeignKey("accounts.Project", models.CASCADE, related_name="model_versions")
    run = models.OneToOneField("experiments.Run", models.CASCADE, related_name="model_version")
    # Name of the registered model in MLflow: <project slug>.<experiment slug>.
    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    uri = models.CharField(max_length=500)
    # As of the checkpoint that it was made from.
    step = models.PositiveBigIntegerField(null=True)
    objective = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "-version")
        constraints = (models.UniqueConstraint(fields=["name", "version"], name="model_version_unique"),)

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def get_absolute_url(self) -> str:
        """Page of the model version."""
        return reverse("model_version", args=[self.project.slug, self.name, self.version])
