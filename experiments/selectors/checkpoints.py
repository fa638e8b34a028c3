"""Checkpoints of a run: as its page lists them, and what is left to do from there."""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.manifest import reports_expected
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


def nothing_left(run: Run, start: Checkpoint, params: Mapping[str, object]) -> str:
    """Why a fork of the run with these parameters would end at once, and what to change; empty if it has work to do.

    Nobody can know where the code does not say how many reports make a run.
    """
    name = run.experiment.progress
    total = reports_expected(name, params)
    if total is None or start.step < total:
        return ""
    steps = list(run.checkpoints.values_list("step", flat=True))
    if max(steps) > (run.progress_total or total):
        # It went on beyond what it declares, so the declaration counts something else than reports.
        return ""
    ways = []
    if min(steps) < total:
        ways.append("begin at an earlier checkpoint")
    if name in params:
        ways.append(f"set {name} above {start.step}")
    length = f" with {name} {total}" if name in params else ""
    return (
        f"A run{length} is over at step {total}, so a fork that begins at step {start.step} has nothing to do; "
        f"{', or '.join(ways or ['add a new run instead'])}."
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
