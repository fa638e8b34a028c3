"""What a searcher and a pruner get to see of an experiment's runs."""

import math
from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean
from uuid import UUID

from django.db.models import BigIntegerField, F, FloatField, Value
from django.db.models.expressions import Func

from experiments.models import Experiment, MetricBatch, Run, RunMetric
from experiments.search.port import Observation, SetState
from experiments.states import RUN_TERMINAL, RunState
from mlplatform.kernel import clock

# With two expressions: the item of the first, an array, that comes after the place that is the second.
ITEM_AFTER = "(%(expressions)s) + 1]"


def searched_sets(experiment: Experiment) -> int:
    """How many sets the searcher has made, deleted ones too: they were drawn, and so they are not drawn again."""
    gone = Experiment.everything.values_list("sets_deleted", flat=True).get(pk=experiment.pk)
    return gone + experiment.runs.filter(searched=True).values("set_number").distinct().count()


def observations(experiment: Experiment) -> list[Observation]:
    """One observation per parameter set, oldest first. Two queries.

    The value is the best that a run reached, averaged over the completed repeats, or if there are none over those that
    were pruned. A fork is none: its parameters
    did not earn its value alone.
    """
    values = objective_values(experiment)
    by_set: dict[int, list[Run]] = defaultdict(list)
    runs = experiment.runs.filter(parent=None).only("set_number", "searched", "params", "state")
    for run in runs.order_by("set_number", "number"):
        by_set[run.set_number].append(run)
    seen: list[Observation] = []
    for number, repeats in by_set.items():
        completed, pruned = (
            [values[run.pk] for run in repeats if run.state == state and run.pk in values]
            for state in (RunState.COMPLETED, RunState.PRUNED)
        )
        known = completed or pruned
        seen.append(
            Observation(
                number=number,
                params=repeats[0].params,
                state=_state(repeats),
                value=fmean(known) if known else None,
                searched=repeats[0].searched,
            )
        )
    return seen


def objective_values(experiment: Experiment) -> dict[UUID, float]:
    """The best value of the objective by run id, of the runs that reported a finite one. One query."""
    field = experiment.objective_field
    rows = RunMetric.objects.filter(experiment=experiment, name=experiment.objective_metric)
    return {
        run_id: value
        for run_id, value in rows.exclude(**{field: None}).values_list("run_id", field)
        if math.isfinite(value)
    }


def objective_at(experiment: Experiment, step: int) -> dict[int, float]:
    """The objective of each run that has come to the step, by run number: its first report at or after the step.

    A fork that began there or later has not come to the step itself.
    """
    before = Func(Value(step - 1, output_field=BigIntegerField()), F("steps"), function="width_bucket")
    batches = (
        MetricBatch.objects.filter(
            # Its runs are no older than itself, and so are no partitions with their points.
            month__gte=clock.month_of(experiment.created_at),
            run__experiment=experiment,
            name=experiment.objective_metric,
            level=0,
            last_step__gte=step,
        )
        .exclude(run__start_checkpoint__step__gte=step)
        # Steps rise, so this is the index of the first one that is large enough: no array leaves the database.
        .annotate(
            value=Func(F("values"), before, template=ITEM_AFTER, arg_joiner=")[(", output_field=FloatField())
        )
        .order_by("run_id", "attempt", "seq")
        .distinct("run_id")
    )
    return dict(batches.values_list("run__number", "value"))


def _state(repeats: Iterable[Run]) -> SetState:
    states = {run.state for run in repeats}
    if states - RUN_TERMINAL:
        return "open"
    if RunState.COMPLETED in states:
        return "completed"
    return "pruned" if RunState.PRUNED in states else "failed"
