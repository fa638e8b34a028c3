"""Stopping runs that do worse than others did at the same step."""

import math
from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from experiments.models import Experiment, Run
from experiments.points import Points
from experiments.search.port import Pruner
from experiments.search.pruner_spec import PrunerSpec
from experiments.search.registry import pruner_for
from experiments.selectors.search import objective_at
from experiments.services.lifecycle import run_ask_to_stop
from experiments.states import RUN_LEASED, StopReason
from mlplatform.broker import enqueue
from mlplatform.kernel.errors import InvalidInput


def pruner_of(run: Run) -> Pruner | None:
    """The pruner that judges the run, None if its experiment has none, or if the run is too short for it."""
    experiment = run.experiment
    spec = PrunerSpec.from_json(experiment.search.get("pruner"))
    try:
        return pruner_for(spec, direction=experiment.objective_direction, max_steps=run.progress_total)
    except InvalidInput:
        # Launching checked it for a run with the default length; a single one may be shorter.
        return None


def judge_later(run: Run, points: Mapping[str, Points]) -> None:
    """Have the run judged if it has come, with these new points of its objective, to a step where that is due.

    It stays due until it is done, so a message that the broker loses is sent again with the next points.
    """
    metric = run.experiment.objective_metric
    pruner = pruner_of(run) if metric in points else None
    if pruner is None:
        return
    checks = pruner.checks(run.number, run.judged_step + 1, int(points[metric].steps[-1]))
    if checks:
        enqueue("prune", str(run.id), checks[-1])


def run_judge(run_id: UUID, step: int) -> bool:
    """Ask the run to stop if its objective at the step is too bad. Judging it again does no harm."""
    run = Run.objects.select_related("experiment").filter(pk=run_id, state__in=RUN_LEASED).first()
    pruner = pruner_of(run) if run else None
    if run is None or pruner is None:
        return False
    values = objective_at(run.experiment, step)
    if run.number not in values:
        return False
    is_bad = pruner.prunes(run.number, step, _best(run.experiment, run), values)
    words = f"Pruned: at step {step} it does worse than others did. It stops at its next report."
    with transaction.atomic():
        # A newer attempt may have begun before the step.
        judged = Run.objects.filter(pk=run.pk, attempts_made=run.attempts_made, judged_step__lt=step)
        judged.update(judged_step=step)
        return is_bad and run_ask_to_stop(run, StopReason.PRUNED, words)


def _best(experiment: Experiment, run: Run) -> float:
    row = run.metrics.filter(name=experiment.objective_metric).first()
    value = getattr(row, experiment.objective_field) if row else None
    return math.nan if value is None else value
