"""How many metrics a run may have: names that are made up by code would fill every table and menu."""

from dataclasses import replace

from experiments.models import Run, RunMetric
from experiments.services.lifecycle import event
from experiments.services.summaries import Rows
from experiments.telemetry import Batch

MAX_NAMES = 10_000
REFUSED = "names_refused"


def names_admit(run: Run, batch: Batch, rows: Rows) -> Batch:
    """The batch without metrics that are one too many; the run's log and its history say so, once.

    `rows`: the summaries that there are of its metrics. No query if none of them is new.
    """
    new = [name for name in batch.points if name not in rows]
    if not new:
        return batch
    room = max(0, MAX_NAMES - RunMetric.objects.filter(run=run).count())
    refused = new[room:]
    if not refused:
        return batch
    points = {name: found for name, found in batch.points.items() if name not in refused}
    if run.events.filter(kind=REFUSED).exists():
        return replace(batch, points=points)
    words = (
        f"A run may have {MAX_NAMES:,} metrics; {refused[0][:80]!r} and all further ones are not recorded."
    )
    event(run, REFUSED, words)
    return replace(batch, points=points, log=batch.log.with_line(f"[mlp] {words}"))
