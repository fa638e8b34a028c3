"""Checkpoints of a run: as its page lists them, and what its policy keeps of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from experiments.models import Checkpoint, Experiment, Run
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
    rows = list(run.checkpoints.order_by("-step", "-id").prefetch_related("forks"))
    why = reasons(policy_of(run.experiment), known(run, rows))
    metric = run.experiment.objective_metric
    return [CheckpointLine(row, row.value_of(metric), why[row.pk]) for row in rows]


def policy_of(experiment: Experiment) -> Policy:
    """Which checkpoints of each run of the experiment stay."""
    return Policy(
        last=experiment.keep_last,
        best=experiment.keep_best,
        every=experiment.keep_every,
        maximize=experiment.objective_direction == Direction.MAXIMIZE,
    )


def known(run: Run, rows: Iterable[Checkpoint]) -> list[Kept]:
    """Checkpoints of the run as the policy sees them. Reads their forks, so prefetch them."""
    return [
        Kept(
            row.pk,
            row.step,
            row.value_of(run.experiment.objective_metric),
            # A fork begins at its checkpoint, also when it is retried.
            pinned=bool(row.forks.all()) or (_is_named_by_code(row) and not run.is_terminal),
        )
        for row in rows
    ]


def _is_named_by_code(row: Checkpoint) -> bool:
    """Code that names its folders may be writing into an old one at this moment."""
    return row.path.rsplit("/", 1)[-1] != f"{row.attempt}-{row.step:06d}"
