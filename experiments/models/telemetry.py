"""What runs send: points as arrays, checkpoints. Never one row per point."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Cast, NullIf

if TYPE_CHECKING:
    from experiments.models.run import Run

# How metrics of a checkpoint say it: JSON has no such numbers.
NOT_FINITE = ("nan", "inf", "-inf")


class IngestStream(models.Model):
    """Last batch taken from one rank of one attempt: makes ingest idempotent and gap-aware."""

    run = models.ForeignKey("experiments.Run", models.CASCADE, related_name="+")
    attempt = models.PositiveIntegerField()
    rank = models.PositiveIntegerField()
    last_seq = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "attempt", "rank"], name="stream_unique"),)

    def __str__(self) -> str:
        return f"stream {self.run_id}/{self.attempt}/{self.rank} at {self.last_seq}"


class MetricBatch(models.Model):
    """Points of one metric of one run: arrays of equal length, steps rising. Partitioned by month.

    Level 0 is exact. What an attempt sends is a row per batch; compaction merges these into chunks, which have
    attempt 0 and are numbered by `seq`, and keeps their extremes in the levels above. See docs/invariants/points.md.
    """

    pk = models.CompositePrimaryKey("run_id", "name", "level", "attempt", "seq", "month")
    # The order of the columns is that of the table: what needs no padding comes first.
    seq = models.PositiveBigIntegerField()
    first_step = models.BigIntegerField()
    last_step = models.BigIntegerField()
    # The smallest and the largest: clocks may be set back.
    first_time = models.FloatField()
    last_time = models.FloatField()
    # Run.month, so that the points of a run are in one partition.
    month = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    level = models.PositiveSmallIntegerField(default=0)
    run = models.ForeignKey("experiments.Run", models.CASCADE, related_name="metric_batches", db_index=False)
    name = models.CharField(max_length=200)
    steps = ArrayField(models.BigIntegerField())
    values = ArrayField(models.FloatField())
    # Unix seconds.
    times = ArrayField(models.FloatField())

    class Meta:
        ordering = ("attempt", "seq")

    def __str__(self) -> str:
        return f"{self.size} points of {self.name}"


class RunMetric(models.Model):
    """Summary of one metric of one run, for tables and sorting. NaN counts as a last value, never as an extreme."""

    # The two lead the keys below, so they need no index of their own.
    run = models.ForeignKey("experiments.Run", models.CASCADE, related_name="metrics", db_index=False)
    experiment = models.ForeignKey("experiments.Experiment", models.CASCADE, related_name="+", db_index=False)
    # The run's: tables list what has equal values in the order of the runs.
    run_number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    # Field by which runs are compared: `max` or `min` for the objective, `last` for all others.
    field = models.CharField(max_length=4)
    last = models.FloatField()
    last_step = models.BigIntegerField()
    min = models.FloatField(null=True)
    min_step = models.BigIntegerField(null=True)
    max = models.FloatField(null=True)
    max_step = models.BigIntegerField(null=True)
    count = models.PositiveBigIntegerField()
    # What that field says, empty for NaN.
    value = models.GeneratedField(
        expression=NullIf(
            Case(When(field="max", then=F("max")), When(field="min", then=F("min")), default=F("last")),
            # As text: two NaN of Python differ, which would look like a change of the model.
            Cast(Value("NaN"), models.FloatField()),
        ),
        output_field=models.FloatField(null=True),
        db_persist=True,
    )

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=["run", "name"], name="run_metric_unique"),)
        indexes = (
            models.Index(
                fields=["experiment", "name", "value", "run_number"],
                include=["run", "last", "min", "max"],
                name="run_metric_sort",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}={self.last:g}"

    @classmethod
    def begun(cls, run: "Run", name: str) -> "RunMetric":
        """The summary of a metric that has no points yet, unsaved."""
        experiment = run.experiment
        return cls(
            run=run,
            experiment=experiment,
            run_number=run.number,
            name=name,
            field=experiment.objective_field if name == experiment.objective_metric else "last",
            last_step=-1,
            count=0,
        )


class Checkpoint(models.Model):
    """A checkpoint that all ranks have stored completely."""

    run = models.ForeignKey("experiments.Run", models.CASCADE, related_name="checkpoints")
    attempt = models.PositiveIntegerField()
    step = models.PositiveBigIntegerField()
    path = models.CharField(max_length=1000)
    metrics = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    # Bytes in the storage; empty until they were looked up.
    size = models.PositiveBigIntegerField(null=True)

    class Meta:
        ordering = ("step", "id")
        constraints = (models.UniqueConstraint(fields=["run", "attempt", "step"], name="checkpoint_unique"),)
        indexes = (models.Index(fields=["id"], condition=Q(size__isnull=True), name="checkpoint_unmeasured"),)

    def __str__(self) -> str:
        return f"checkpoint at step {self.step}"

    def value_of(self, metric: str) -> float | None:
        """The finite value that was reported with it; non-finite ones are kept as words."""
        value = self.metrics.get(metric)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def is_sound(self, metric: str) -> bool:
        """Whether the metric was finite when it was made, as far as anybody said."""
        return self.metrics.get(metric) not in NOT_FINITE


class DiscardedFolder(models.Model):
    """A folder in the storage that nothing refers to any more, until it is deleted."""

    url = models.CharField(max_length=1200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.url
