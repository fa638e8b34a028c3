"""Forget what an attempt reported after the checkpoint from which the next one resumes.

Otherwise the steps in between would be there twice.
"""

from collections import defaultdict

from django.db.models import F, IntegerField, Value
from django.db.models.expressions import Func

from experiments.models import MetricBatch, Run, RunMetric
from experiments.services.summaries import summarise

Columns = tuple[list[int], list[float]]


def rewind(run: Run, step: int) -> None:
    """Delete all points after `step` and make the summaries anew. Call in the transaction that starts the attempt.

    Looks only at batches that reach past the step; summaries take one pass over what is left of those metrics.
    """
    touched: set[str] = set()
    for batch in _reaching_past(run, step):
        touched.add(batch.name)
        kept = [
            point for point in zip(batch.steps, batch.values, batch.times, strict=True) if point[0] <= step
        ]
        if kept:
            batch.steps, batch.values, batch.times = (list(column) for column in zip(*kept, strict=True))
            batch.save(update_fields=["steps", "values", "times"])
        else:
            batch.delete()
    if not touched:
        return
    RunMetric.objects.filter(run=run, name__in=touched).delete()
    left: dict[str, Columns] = defaultdict(lambda: ([], []))
    batches = MetricBatch.objects.filter(run=run, name__in=touched).order_by("attempt", "seq")
    for name, steps, values in batches.values_list("name", "steps", "values").iterator():
        left[name][0].extend(steps)
        left[name][1].extend(values)
    summarise(run, left)


def _reaching_past(run: Run, step: int) -> list[MetricBatch]:
    """Steps rise within a batch, so its last one tells."""
    last = Func(F("steps"), function="array_upper", template="(steps)[array_upper(%(expressions)s, 1)]")
    batches = MetricBatch.objects.filter(run=run).annotate(last_step=last)
    return list(batches.filter(last_step__gt=Value(step, output_field=IntegerField())))
