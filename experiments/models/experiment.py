"""One question: code, parameters, objective, resources; its runs are the answers."""

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.functional import cached_property

from experiments.manifest import Manifest
from experiments.search.parameters import Parameter
from experiments.states import ExperimentState


class Direction(models.TextChoices):
    """Which end of the objective metric is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Priority(models.TextChoices):
    """What goes first when not everything can run. Owners alone may give a high one: it takes from others."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """A higher one goes first."""
        return list(Priority).index(self)


class PresentExperiments(models.Manager["Experiment"]):
    """Those that nobody has deleted."""

    def get_queryset(self) -> "models.QuerySet[Experiment]":
        """Rows that are still there for people."""
        return super().get_queryset().filter(deleted_at__isnull=True)


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
    # Declared parameters in order: [{name, type, default, min, max, step, choices, log, when, help}].
    parameters = models.JSONField(default=list)
    # How parameter sets are found, in the shape of `search` in experiment.yaml; empty: people list them.
    search = models.JSONField(default=dict)
    # The searcher has said that its space has no more sets.
    search_exhausted = models.BooleanField(default=False)
    objective_metric = models.CharField(max_length=200, blank=True)
    objective_direction = models.CharField(max_length=10, choices=Direction, default=Direction.MAXIMIZE)
    # How many reports make a finished run: a parameter's name or a number; empty if unknown.
    progress = models.CharField(max_length=100, blank=True)
    workers = models.PositiveIntegerField(default=1)
    cpus_per_worker = models.FloatField(default=1)
    gpus_per_worker = models.FloatField(default=0)
    # GiB; 0 claims none.
    memory_per_worker = models.FloatField(default=0)
    backend = models.CharField(max_length=60)
    max_parallel = models.PositiveIntegerField(default=1)
    max_retries = models.PositiveIntegerField(default=0)
    fresh_process = models.BooleanField(default=False)
    priority = models.CharField(max_length=10, choices=Priority, default=Priority.NORMAL)
    # Budget besides the number of runs: seconds of being active, and the objective's value that is good enough.
    max_seconds = models.FloatField(null=True)
    target = models.FloatField(null=True)
    # A person canceled it: the searcher makes no more sets until the budget grows.
    search_stopped = models.BooleanField(default=False)
    active_since = models.DateTimeField(null=True)
    active_seconds = models.FloatField(default=0)
    # Which checkpoints of a run stay: the newest, the best, and each whose step is a multiple (0: none).
    keep_last = models.PositiveIntegerField(default=1)
    keep_best = models.PositiveIntegerField(default=1)
    keep_every = models.PositiveIntegerField(default=0)
    seed = models.BigIntegerField(default=0)
    cloned_from = models.ForeignKey("self", models.SET_NULL, null=True, related_name="clones")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    # When to try next to register the best model; empty if there is nothing to register.
    registration_due_at = models.DateTimeField(null=True)
    # The highest numbers of deleted runs and sets, which no other gets, and how many searched sets are gone with them.
    numbers_used = models.PositiveIntegerField(default=0)
    sets_used = models.PositiveIntegerField(default=0)
    sets_deleted = models.PositiveIntegerField(default=0)
    # Somebody deleted it: nobody sees it any more, and it is taken apart step by step.
    deleted_at = models.DateTimeField(null=True)
    deletion = models.ForeignKey(
        "experiments.Deletion", models.PROTECT, null=True, related_name="experiments"
    )

    objects = PresentExperiments()
    # With those that are being taken apart.
    everything = models.Manager["Experiment"]()

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            # The name of a deleted one is free again.
            models.UniqueConstraint(
                fields=["project", "slug"],
                condition=models.Q(deleted_at__isnull=True),
                name="experiment_slug_unique",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Page of the experiment."""
        return reverse("experiment", args=[self.project.slug, self.slug])

    @property
    def objective_field(self) -> str:
        """Field of a metric's summary that counts for the objective: the best value that the run reached.

        Searchers, pruners, targets, tables and the choice of the best run all go by it.
        """
        return "max" if self.objective_direction == Direction.MAXIMIZE else "min"

    @cached_property
    def declared(self) -> dict[str, Parameter]:
        """The declared parameters by name, in the order of their declaration. They never change."""
        return Manifest.from_json({"parameters": self.parameters}).parameters
