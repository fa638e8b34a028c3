"""Runs, the attempts at them, and what happened to them."""

import json
import math
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q, QuerySet
from django.urls import reverse

from experiments.manifest import reports_expected
from experiments.states import RUN_TERMINAL, RunState
from mlplatform.kernel import clock

if TYPE_CHECKING:
    from experiments.models.telemetry import MetricBatch


class Run(models.Model):
    """One parameter set of an experiment."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    experiment = models.ForeignKey("experiments.Experiment", models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    # Runs that differ in their seed alone share a set number. `searched`: the searcher made the set, not a person.
    set_number = models.PositiveIntegerField()
    repeat = models.PositiveIntegerField(default=1)
    searched = models.BooleanField(default=False)
    # A person queued it when the search was over already, so that does not end it.
    exempt = models.BooleanField(default=False)
    params = models.JSONField(default=dict)
    # Names and values that people give it, text both.
    tags = models.JSONField(default=dict)
    # Where it was forked from: it begins at that checkpoint, so neither goes before the fork does.
    parent = models.ForeignKey("self", models.RESTRICT, null=True, related_name="forks")
    start_checkpoint = models.ForeignKey(
        "experiments.Checkpoint", models.RESTRICT, null=True, related_name="forks"
    )
    seed = models.BigIntegerField()
    state = models.CharField(max_length=12, choices=RunState, default=RunState.QUEUED)
    waiting_reason = models.CharField(max_length=300, blank=True)
    # It is not leased before this time: back-off after a loss.
    not_before = models.DateTimeField(null=True)
    # Why the run is to stop (canceled, paused, pruned, ...), until it has stopped.
    stop_reason = models.CharField(max_length=20, blank=True)
    stop_requested_at = models.DateTimeField(null=True)
    attempts_made = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0)
    # The pruner has judged it up to this step of its current attempt.
    judged_step = models.PositiveBigIntegerField(default=0)
    progress = models.FloatField(null=True)
    # Progress with which the current attempt began: what the ETA is counted from.
    progress_base = models.FloatField(default=0)
    cause_code = models.CharField(max_length=40, blank=True)
    cause_message = models.TextField(blank=True)
    cause_traceback = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    attempt_started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # How long it was attempted, the attempt that is under way left out; empty before the first has ended.
    attempted = models.DurationField(null=True)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=["experiment", "number"], name="run_number_unique"),)
        indexes = (
            models.Index(
                fields=["experiment", "number"],
                condition=Q(state__in=["queued", "starting", "running"]),
                name="run_open",
            ),
            # Counts and sums of an experiment read nothing but this.
            models.Index(
                fields=["experiment", "state", "number"],
                include=["repeat", "searched", "attempted"],
                name="run_state",
            ),
            GinIndex(fields=["tags"], name="run_tags", opclasses=["jsonb_path_ops"], fastupdate=False),
        )

    def __str__(self) -> str:
        return f"{self.experiment.name} #{self.number}"

    def get_absolute_url(self) -> str:
        """Page of the run."""
        return reverse("run", args=[self.experiment.project.slug, self.experiment.slug, self.number])

    @property
    def listed_params(self) -> list[tuple[str, Any]]:
        """Parameters in the order of their declaration, which the database does not keep."""
        return [(name, self.params[name]) for name in self.experiment.declared if name in self.params]

    @property
    def progress_total(self) -> int | None:
        """How many reports make this run complete, None if nobody said."""
        return reports_expected(self.experiment.progress, self.params)

    @property
    def month(self) -> int:
        """The month of its creation as YYYYMM: where its points are stored."""
        return clock.month_of(self.created_at)

    @property
    def batches(self) -> "QuerySet[MetricBatch]":
        """The rows of its points. Without the month PostgreSQL would look into each partition."""
        return self.metric_batches.filter(month=self.month)

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more will happen unless a person retries it."""
        return self.state in RUN_TERMINAL


class RunParam(models.Model):
    """One parameter of a run, for sorting and filtering; `Run.params` has the value itself."""

    MAX_TEXT = 200

    # The two lead the keys below, so they need no index of their own.
    run = models.ForeignKey(Run, models.CASCADE, related_name="values", db_index=False)
    experiment = models.ForeignKey("experiments.Experiment", models.CASCADE, related_name="+", db_index=False)
    # The run's: tables list what has equal values in the order of the runs.
    run_number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    # One of the two: numbers are numbers, everything else is the beginning of its text.
    number = models.FloatField(null=True)
    text = models.CharField(max_length=MAX_TEXT, null=True)  # noqa: DJ001  # "" is a value, null is none

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "name"], name="run_param_unique"),)
        indexes = (
            models.Index(
                fields=["experiment", "name", "number", "run_number"],
                include=["run"],
                name="run_param_number",
            ),
            models.Index(
                fields=["experiment", "name", "text", "run_number"],
                include=["run"],
                condition=Q(text__isnull=False),
                name="run_param_text",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}={self.text if self.number is None else self.number}"

    @classmethod
    def of(cls, run: Run) -> "list[RunParam]":
        """The rows of a run's parameters, unsaved."""
        made = []
        for name, value in run.params.items():
            if value is None:
                continue
            number, text = param_columns(value)
            made.append(
                cls(
                    run=run,
                    experiment_id=run.experiment_id,
                    run_number=run.number,
                    name=name,
                    number=number,
                    text=text,
                )
            )
        return made


def param_columns(value: Any) -> tuple[float | None, str | None]:
    """A parameter's value as number or as text: `true` and `false` are text, and so is what has no order at all."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            if not math.isnan(value):
                return float(value), None
    text = value if isinstance(value, str) else json.dumps(value)
    return None, text[: RunParam.MAX_TEXT]


class Attempt(models.Model):
    """One try at a run, under one lease."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    allocation_id = models.UUIDField()
    fence = models.BigIntegerField()
    resumed_from = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    cause_code = models.CharField(max_length=40, blank=True)
    environment = models.JSONField(default=dict)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=["run", "number"], name="attempt_unique"),)

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.run}"


class RunEvent(models.Model):
    """A change of state: who, what, why, when. Rows are only ever added."""

    # It leads the keys below, so it needs no index of its own.
    experiment = models.ForeignKey(
        "experiments.Experiment", models.CASCADE, related_name="events", db_index=False
    )
    run = models.ForeignKey(Run, models.CASCADE, related_name="events", null=True)
    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=40)
    message = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=["experiment", "id"], name="run_event_newest"),
            models.Index(fields=["experiment", "kind", "id"], name="run_event_kind"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.message}"

    @property
    def words(self) -> str:
        """The kind as people say it."""
        return self.kind.replace("_", " ")
