"""Forget what an attempt reported after the checkpoint from which the next one resumes.

Otherwise the steps in between would be there twice.
"""

from experiments.models import Run
from experiments.services.live import series_changed
from experiments.services.points import points_forget
from experiments.services.summaries import summarise_anew


def rewind(run: Run, step: int) -> None:
    """Delete all points after `step` and make the summaries anew. Call in the transaction that starts the attempt.

    Costs what there is after the step, and little for what stays.
    """
    touched = points_forget(run, step)
    if touched:
        summarise_anew(run, touched)
        series_changed(run)
