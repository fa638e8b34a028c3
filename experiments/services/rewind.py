"""Forget what an attempt reported after the checkpoint from which the next one resumes.

Otherwise the steps in between would be there twice.
"""

from experiments.models import MetricBatch, Run, RunMetric
from experiments.services.summaries import summarise


def rewind(run: Run, step: int) -> None:
    """Delete all points after `step` and make the summaries anew. Call in the transaction that starts the attempt."""
    touched: set[str] = set()
    for batch in MetricBatch.objects.filter(run=run):
        kept = [
            point for point in zip(batch.steps, batch.values, batch.times, strict=True) if point[0] <= step
        ]
        if len(kept) == len(batch.steps):
            continue
        touched.add(batch.name)
        if not kept:
            batch.delete()
            continue
        batch.steps, batch.values, batch.times = (list(column) for column in zip(*kept, strict=True))
        batch.save(update_fields=["steps", "values", "times"])
    RunMetric.objects.filter(run=run, name__in=touched).delete()
    for batch in MetricBatch.objects.filter(run=run, name__in=touched).order_by("attempt", "seq"):
        summarise(run, {batch.name: (batch.steps, batch.values)})
