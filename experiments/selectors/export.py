"""All points as they were reported, run by run, without holding more than a few chunks and runs in memory."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby

import numpy as np

from experiments.export import Part
from experiments.models import Experiment, Run
from experiments.points import Points, joined
from mlplatform.kernel import columns

RUNS_AT_A_TIME = 1000
# Hot rows first: they are few, and belong among the points of the chunks.
EXACT = """
    SELECT name, attempt, steps, "values", times FROM experiments_metricbatch
    WHERE month = %(month)s AND run_id = %(run)s AND level = 0 AND (%(all)s OR name = ANY(%(names)s))
    ORDER BY name, attempt = 0, attempt, seq"""


def runs_of(experiment: Experiment) -> Iterator[Run]:
    """All of them by number, a page at a time, with no more than `exact` needs."""
    needed = experiment.runs.only("experiment", "number", "created_at").order_by("number")
    page = list(needed[:RUNS_AT_A_TIME])
    while page:
        yield from page
        page = list(needed.filter(number__gt=page[-1].number)[:RUNS_AT_A_TIME])


def exact(runs: Iterable[Run], names: Sequence[str] = ()) -> Iterator[Part]:
    """The points of these metrics (of all, if none is named), by step. A transaction per run, open while it is read."""
    for run in runs:
        parameters = {"month": run.month, "run": run.pk, "all": not names, "names": list(names)}
        with closing(columns.stream(EXACT, parameters)) as rows:
            for name, found in groupby(rows, key=lambda row: str(row[0])):
                for points in _merged((row[1], Points(*row[2:])) for row in found):
                    yield Part(run.number, name, points)


def _merged(rows: Iterator[tuple[int, Points]]) -> Iterator[Points]:
    hot: list[Points] = []
    waiting: Points | None = None
    for attempt, points in rows:
        if attempt:
            hot.append(points)
            continue
        waiting = joined(hot).in_order() if waiting is None else waiting
        # Those of the chunk's last step may be in the next one, too; what is hot came later.
        due = int(np.searchsorted(waiting.steps, points.steps[-1]))
        yield joined([points, waiting.pick(slice(due))]).in_order()
        waiting = waiting.pick(slice(due, None))
    left = joined(hot).in_order() if waiting is None else waiting
    if len(left):
        yield left
