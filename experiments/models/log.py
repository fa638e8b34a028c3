"""What runs print: lines in compressed chunks, numbered from 1 per run, attempt and rank. docs/invariants/logs.md."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class LogStream(models.Model):
    """The output of one rank in one attempt: how far it is."""

    run = models.ForeignKey("experiments.Run", models.CASCADE, related_name="log_streams", db_index=False)
    attempt = models.PositiveIntegerField()
    rank = models.PositiveIntegerField()
    # How many lines are over; these are in chunks.
    lines = models.PositiveBigIntegerField(default=0)
    # Rows after them that may still change (progress bars, a line without its end), joined by line feeds.
    open = models.TextField(default="")
    # The first line of the chunks that are still to be merged, and how many these are.
    hot_line = models.PositiveBigIntegerField(default=1)
    hot_chunks = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("attempt", "rank")
        constraints = (models.UniqueConstraint(fields=["run", "attempt", "rank"], name="log_stream_unique"),)

    def __str__(self) -> str:
        return f"{self.lines} lines of rank {self.rank}, attempt {self.attempt}"

    @property
    def open_rows(self) -> list[str]:
        """The rows that may still change."""
        return self.open.split("\n") if self.open else []

    @property
    def total(self) -> int:
        """How many lines there are to be seen."""
        return self.lines + len(self.open_rows)


class LogChunk(models.Model):
    """Some lines on end of one stream: zlib-compressed UTF-8, each with its line feed. Chunks follow without a gap."""

    pk = models.CompositePrimaryKey("run_id", "attempt", "rank", "first_line")
    # The 8-byte column first, so that nothing is padded.
    first_line = models.PositiveBigIntegerField()
    attempt = models.PositiveIntegerField()
    rank = models.PositiveIntegerField()
    line_count = models.PositiveIntegerField()
    # Bytes before compression.
    size = models.PositiveIntegerField()
    run = models.ForeignKey("experiments.Run", models.CASCADE, related_name="log_chunks", db_index=False)
    # When they were printed: from which line of the chunk on (0 the first) which time (Unix seconds) holds.
    time_lines = ArrayField(models.PositiveIntegerField())
    times = ArrayField(models.FloatField())
    content = models.BinaryField()

    class Meta:
        ordering = ("attempt", "rank", "first_line")

    def __str__(self) -> str:
        return f"lines {self.first_line} to {self.first_line + self.line_count - 1} of rank {self.rank}"
