"""The objective of each run of a page as a small line beside its value."""

from collections.abc import Sequence
from uuid import UUID

from django.core.cache import caches
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from experiments.models import Experiment
from experiments.selectors.runs import RunRow
from experiments.selectors.series import View, series
from experiments.web.trend import trend
from mlplatform.http.templatetags import run_color

# In pixels, of which each has a minimum and a maximum.
WIDTH = 30


def curves(experiment: Experiment, rows: Sequence[RunRow]) -> dict[UUID, SafeString]:
    """The lines of those that have one. Two queries for runs that reported since somebody looked, else none."""
    metric = experiment.objective_metric
    # So many points of so many attempts do not change.
    keys = {
        f"curve:{row.run.pk}:{metric}:{row.run.attempts_made}:{found.count}": row.run
        for row in rows
        if (found := row.metrics.get(metric)) is not None
    }
    drawn: dict[str, SafeString] = caches["process"].get_many(keys)
    new = {run.pk: (key, run.number) for key, run in keys.items() if key not in drawn}
    wanted = [run for run in keys.values() if run.pk in new]
    for each in series(wanted, [metric], View(WIDTH)) if wanted else ():
        steps, values = each.points.steps.tolist(), each.points.values.tolist()
        line = trend(
            values,
            places=steps,
            over=f"{steps[-1] - steps[0] + 1:,} steps",
            lower_is_better=experiment.objective_field == "min",
        )
        key, number = new[each.run_id]
        if line:
            css = f"run-curve {run_color(number)}"
            drawn[key] = render_to_string("components/trend.html", {"trend": line, "css": css})
    caches["process"].set_many({key: drawn.get(key, SafeString()) for key, _ in new.values()})
    return {run.pk: drawn[key] for key, run in keys.items() if drawn.get(key)}
