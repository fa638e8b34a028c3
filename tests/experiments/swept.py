"""Sweeps that have been run, as rows."""

from collections.abc import Iterable
from typing import Any

from experiments.models import Experiment, Run, RunMetric


def add_runs(
    experiment: Experiment, rows: Iterable[tuple[dict[str, Any], float | None]], state: str = "completed"
) -> list[Run]:
    """More runs, each with its parameters and what it reached of the objective (None: reported nothing)."""
    last = experiment.runs.order_by("-number").values_list("number", flat=True).first() or 0
    values = list(rows)
    runs = Run.objects.bulk_create(
        Run(experiment=experiment, number=n, set_number=n, seed=n, params=params, state=state)
        for n, (params, _) in enumerate(values, last + 1)
    )
    RunMetric.objects.bulk_create(
        RunMetric(
            run=run,
            run_number=run.number,
            experiment=experiment,
            name="accuracy",
            last=value,
            last_step=1,
            min=value,
            max=value,
            count=1,
        )
        for run, (_, value) in zip(runs, values, strict=True)
        if value is not None
    )
    return runs
