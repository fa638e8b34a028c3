"""One question: code, parameters, objective, resources; its runs are the answers."""

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from experiments.manifest import Manifest
from experiments.search.space import Parameter
from experiments.states import ExperimentState


class Direction(models.TextChoices):
    """Which end of the objective metric is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Experiment(models.Model):
    """A code bundle with an entrypoint, declared parameters, an objective and resources per run."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("accounts.Project", models.CASCADE, related_name="experiments")
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=110)
    description = models.TextField(blank=True, max_length=2000)
    state = models.CharField(max_length=12, choices=ExperimentState, default=ExperimentState.ACTIVE)
    bundle = models.ForeignKey("experiments.Bundle", models.RESTRICT, related_name="experiments")
    entrypoint = models.CharField(max_length=200)
    # Declared parameters in order: [{name, type, default, min, max, choices, log, help}].
    parameters = models.JSONField(default=list)
    objective_metric = models.CharField(max_length=200, blank=True)
    objective_direction = models.CharField(max_length=10, choices=Direction, default=Direction.MAXIMIZE)
    # How many reports make a finished run: a parameter's name or a number; empty if unknown.
    progress = models.CharField(max_length=100, blank=True)
    workers = models.PositiveIntegerField(default=1)
    cpus_per_worker = models.FloatField(default=1)
    gpus_per_worker = models.FloatField(default=0)
    backend = models.CharField(max_length=60)
    max_parallel = models.PositiveIntegerField(default=1)
    max_retries = models.PositiveIntegerField(default=0)
    fresh_process = models.BooleanField(default=False)
    seed = models.BigIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    # When to try next to register the best run's model; empty if there is nothing to register.
    registration_due_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (models.UniqueConstraint(fields=["project", "slug"], name="experiment_slug_unique"),)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Page of the experiment."""
        return reverse("experiment", args=[self.project.slug, self.slug])

    @property
    def declared(self) -> dict[str, Parameter]:
        """The declared parameters by name, in the order of their declaration."""
        return Manifest.from_json({"parameters": self.parameters}).parameters
