"""Checkpoints of a run as its page lists them."""

from dataclasses import dataclass

from experiments.models import Checkpoint, Run
from experiments.models.experiment import Direction
from experiments.retention import Kept, Policy, reasons


@dataclass(frozen=True)
class CheckpointLine:
    """`objective` is what was reported with it; `reasons` say why it is kept."""

    checkpoint: Checkpoint
    objective: float | None
    reasons: list[str]


def checkpoint_lines(run: Run) -> list[CheckpointLine]:
    """Newest first. Two queries."""
    experiment = run.experiment
    policy = Policy(
        last=experiment.keep_last,
        best=experiment.keep_best,
        every=experiment.keep_every,
        maximize=experiment.objective_direction == Direction.MAXIMIZE,
    )
    rows = list(run.checkpoints.order_by("-step", "-id").prefetch_related("forks"))
    values = {row.pk: _number(row.metrics.get(experiment.objective_metric)) for row in rows}
    why = reasons(policy, [Kept(row.pk, row.step, values[row.pk], bool(row.forks.all())) for row in rows])
    return [CheckpointLine(row, values[row.pk], why[row.pk]) for row in rows]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
