"""Compaction, levels and rewinding: what is read is what was sent, whatever happens in between."""

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.models import Experiment, MetricBatch, Run, RunMetric
from experiments.points import Points, joined, thinned
from experiments.selectors.search import objective_at
from experiments.selectors.series import View, series
from experiments.selectors.tracking import points_at
from experiments.services import points
from experiments.services.lifecycle import not_finite_cause
from experiments.services.points import points_compact
from experiments.services.rewind import rewind
from experiments.services.summaries import FIELDS, summaries, summarise
from tests.points import columns, report, rows

SMALL = {"CHUNK": 8, "BUCKET": 4, "FAN": 2, "HOT_ROWS": 3, "HOT_POINTS": 12}
NAMES = ("loss", "accuracy")
SLOW = settings(suppress_health_check=list(HealthCheck), max_examples=60)

# What happens to a run: a batch (metric, first step, values), a compaction, a step to go back to.
BATCH = st.tuples(
    st.just("batch"),
    st.sampled_from(NAMES),
    st.integers(0, 60),
    st.lists(
        st.floats(-9, 9) | st.sampled_from([math.nan, math.inf, -math.inf, 1.0]), min_size=1, max_size=30
    ),
)
EVENTS = st.lists(
    BATCH | st.just(("compact",)) | st.tuples(st.just("rewind"), st.integers(0, 60)) | st.just(("end",)),
    max_size=14,
)


@pytest.fixture
def run(leased: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    found: Run = leased[1]
    Run.objects.filter(pk=found.pk).update(state="running")
    for name, value in SMALL.items():
        monkeypatch.setattr(points, name, value)
    return found


@pytest.fixture
def undone() -> Callable[[], Any]:
    """Each example starts from the same rows."""

    class Undone:
        def __enter__(self) -> None:
            self.atomic = transaction.atomic()
            self.atomic.__enter__()

        def __exit__(self, *_: object) -> None:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    return Undone


def play(run: Run, events: list[Any]) -> dict[str, list[Points]]:
    """Let it happen, and keep the books: the points of each metric, in the order in which they were sent."""
    sent: dict[str, list[Points]] = defaultdict(list)
    seq = 0
    for what, *details in events:
        match what:
            case "batch":
                name, start, values = details
                seq += 1
                report(run, range(start, start + len(values)), values, name=name, seq=seq)
                sent[name].append(columns(range(start, start + len(values)), values))
            case "compact":
                points_compact(run.pk)
            case "end":
                Run.objects.filter(pk=run.pk).update(state="completed")
            case "rewind":
                rewind(run, details[0])
                for name, parts in sent.items():
                    sent[name] = [part.pick(part.steps <= details[0]) for part in parts]
    return sent


def stored() -> list[str]:
    fields = (
        "name",
        "level",
        "attempt",
        "seq",
        "size",
        "first_step",
        "last_step",
        "steps",
        "values",
        "times",
    )
    return sorted(map(repr, MetricBatch.objects.values_list(*fields)))


def told() -> list[str]:
    return sorted(map(repr, RunMetric.objects.values_list("name", *FIELDS)))


@SLOW
@given(events=EVENTS)
def test_what_is_read_is_what_was_sent(run: Run, undone: Any, events: list[Any]) -> None:
    with undone():
        sent = play(run, events)
        found = {item.name: rows(item.points) for item in series([run], NAMES)}
        expected = {name: rows(joined(parts).in_order()) for name, parts in sent.items()}
        assert repr(sorted(found.items())) == repr(sorted((n, p) for n, p in expected.items() if p))


@SLOW
@given(events=EVENTS)
def test_summaries_are_what_the_points_say(run: Run, undone: Any, events: list[Any]) -> None:
    with undone():
        play(run, events)
        before = told()
        RunMetric.objects.all().delete()
        every = {item.name: item.points for item in series([run], NAMES)}
        summarise(run, summaries(run, every), every)
        assert told() == before


@SLOW
@given(events=EVENTS)
def test_levels_are_made_of_the_chunks_alone(run: Run, undone: Any, events: list[Any]) -> None:
    """However it came about: full chunks, and above them what one would make of them from scratch."""
    with undone():
        play(run, [*events, ("end",), ("compact",)])
        for name in NAMES:
            by_level: dict[int, list[Points]] = defaultdict(list)
            for batch in MetricBatch.objects.filter(name=name, attempt=0).order_by("level", "seq"):
                assert batch.seq == len(by_level[batch.level])
                by_level[batch.level].append(columns(batch.steps, batch.values, batch.times))
            below = by_level.pop(0, [])
            assert all(len(chunk) == SMALL["CHUNK"] for chunk in below[:-1])
            level = 0
            while len(below) > 1:
                level += 1
                fan = SMALL["FAN"] if level > 1 else 1
                groups = [joined(below[at : at + fan]) for at in range(0, len(below), fan)]
                below = [thinned(group, SMALL["BUCKET"]) for group in groups]
                assert [repr(rows(row)) for row in by_level.pop(level)] == [repr(rows(row)) for row in below]
            assert not by_level


@SLOW
@given(events=EVENTS)
def test_repeating_a_compaction_or_a_rewind_changes_nothing(run: Run, undone: Any, events: list[Any]) -> None:
    with undone():
        play(run, [*events, ("end",), ("compact",)])
        before = (stored(), told())
        points_compact(run.pk)
        rewind(run, 10**6)
        assert (stored(), told()) == before
        rewind(run, 20)
        before = (stored(), told())
        rewind(run, 20)
        assert (stored(), told()) == before


@SLOW
@given(events=EVENTS, view=st.builds(View, st.integers(1, 20), st.sampled_from(["step", "time", "relative"])))
def test_a_chart_shows_the_extremes_of_what_there_is(
    run: Run, undone: Any, events: list[Any], view: View
) -> None:
    with undone():
        play(run, events)
        whole = {item.name: item for item in series([run], NAMES)}
        for thin in series([run], NAMES, view):
            every = whole[thin.name]
            assert {repr(row) for row in rows(thin.points)} <= {repr(row) for row in rows(every.points)}
            known = every.points.values[~np.isnan(every.points.values)]
            if len(known):
                seen = (np.nanmin(thin.points.values), np.nanmax(thin.points.values))
                assert seen == (known.min(), known.max())
            places, all_places = view.place(thin), view.place(every)
            assert (np.diff(places) >= 0).all()
            assert (places[0], places[-1]) == (all_places.min(), all_places.max())


@SLOW
@given(
    events=EVENTS,
    x=st.sampled_from(["step", "time", "relative"]),
    ends=st.tuples(st.integers(0, 60), st.integers(0, 60)),
)
def test_a_part_of_a_chart_has_all_of_that_part(
    run: Run, undone: Any, events: list[Any], x: Any, ends: tuple[int, int]
) -> None:
    with undone():
        play(run, events)
        whole = {item.name: item for item in series([run], NAMES)}
        for name, every in whole.items():
            zero = View(1, x).place(every)[0] - every.points.steps[0]
            view = View(10**6, x, zero + min(ends), zero + max(ends))
            steps = every.points.steps
            inside = every.points.pick((steps >= min(ends)) & (steps <= max(ends)))
            found = [rows(part.points) for part in series([run], [name], view)]
            assert list(map(repr, found)) == ([repr(rows(inside))] if len(inside) else [])


def test_a_run_that_goes_on_is_compacted_only_where_it_is_worth_it(run: Run) -> None:
    for seq in (1, 2):
        report(run, [seq], [0.5], seq=seq)
        report(run, range(10 * seq, 10 * seq + 7), [0.5] * 7, name="loss", seq=seq)
    assert points_compact(run.pk) == 1
    assert set(MetricBatch.objects.filter(attempt=0).values_list("name", flat=True)) == {"loss"}
    Run.objects.filter(pk=run.pk).update(state="completed")
    assert points_compact(run.pk) == 1
    assert not MetricBatch.objects.filter(attempt__gt=0).exists()


def test_one_row_of_a_finished_run_stays_as_it_is(run: Run) -> None:
    report(run, [1, 2], [0.5, 0.6])
    Run.objects.filter(pk=run.pk).update(state="completed")
    assert points_compact(run.pk) == 0


def test_many_metrics_are_done_a_few_at_a_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "NAMES_AT_A_TIME", 2)
    for seq in (1, 2, 3):
        for name in "abcde":
            report(run, [seq], [0.5], name=name, seq=seq)
    assert points_compact(run.pk) == 5


def test_a_run_that_is_gone_needs_nothing(run: Run) -> None:
    pk = run.pk
    run.delete()
    assert points_compact(pk) == 0


def test_all_rows_of_a_run_are_in_the_partition_of_its_month(run: Run) -> None:
    report(run, range(100), [0.5] * 100)
    points_compact(run.pk)
    assert set(MetricBatch.objects.values_list("month", flat=True)) == {run.month}
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM experiments_metricbatch")
        assert len(cursor.fetchall()) == 1


def test_who_reads_points_says_in_which_partition_they_are(experiment: Experiment) -> None:
    run = experiment.runs.select_related("experiment").get(number=1)
    report(run, [1], [math.nan])
    run.experiment.objective_metric = "accuracy"
    with CaptureQueriesContext(connection) as asked:
        assert "step 1" in not_finite_cause(run).message
        assert points_at(run, 1)["accuracy"].step == 1
        assert list(objective_at(run.experiment, 1)) == [1]
    found = [query["sql"].partition(" WHERE ")[2] for query in asked if "metricbatch" in query["sql"]]
    assert len(found) == 3
    assert all('"experiments_metricbatch"."month"' in condition for condition in found)
