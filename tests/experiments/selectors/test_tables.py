"""Filters mean what a plain reading of them says, and pages bring every run exactly once, in any order."""

import math
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Project
from experiments.management.commands.seed_runs import Seeds
from experiments.models import Experiment, Run, RunMetric, RunParam
from experiments.query.parser import parse
from experiments.query.tree import And, Comparison, Literal, Node, Not, Or
from experiments.query.values import is_number
from experiments.selectors.tables import RunSpace, experiment_space, project_space, run_table
from mlplatform.kernel import clock
from mlplatform.kernel.errors import InvalidInput

VALUES = [None, math.nan, math.inf, -math.inf, 0.5, 0.5, 0.5, 0.25, 1.0]
PARAMS = [None, True, 1, 2, 2, 0.5, "adam", "sgd", "2", 'it\'s "odd" %_']
TAGS = [{}, {"kind": "ablation"}, {"kind": "base", "5": "five"}, {"kind": "", "o'dd": "a%b"}]
START = datetime(2026, 5, 1, tzinfo=UTC)
SORTS = [
    "number", "set", "state", "created", "started", "ended", "duration", "user", "experiment", "cause", "tags.kind",
    "tags.5", "params.x", "metrics.accuracy", "metrics.accuracy.min", "metrics.accuracy.last", "metrics.loss",
]  # fmt: skip


@pytest.fixture
def many(experiment: Experiment) -> Experiment:
    """Sixty runs with every kind of value, many of them equal, many missing."""
    experiment.runs.all().delete()
    draw = random.Random(4)
    for number in range(1, 61):
        params = {"x": draw.choice(PARAMS), "lr": number / 100}
        run = Run.objects.create(
            experiment=experiment,
            number=number,
            set_number=(number + 1) // 2,
            seed=1,
            params=params,
            tags=draw.choice(TAGS),
            state=draw.choice(["queued", "running", "completed", "failed"]),
            cause_code=draw.choice(["", "user_error"]),
            started_at=draw.choice([None, START, START + timedelta(days=number)]),
            attempt_started_at=draw.choice([None, clock.now()]),
            attempted=draw.choice([None, timedelta(seconds=90), timedelta(seconds=number)]),
        )
        RunParam.objects.bulk_create(RunParam.of(run))
        for name in ("accuracy", "loss"):
            value = draw.choice([*VALUES, "none"])
            if not isinstance(value, str):
                metric = RunMetric.begun(run, name)
                metric.last = draw.choice([0.1, math.nan]) if value is None else value
                metric.max = None if value is None or math.isnan(value) else value
                metric.min = None if metric.max is None else draw.choice([0.0, metric.max])
                metric.save()
    return experiment


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is under way gets no longer."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)


def walk(space: RunSpace, limit: int, **how: Any) -> list[uuid.UUID]:
    """All pages, and back again."""
    found, cursor, pages = [], "", []
    while True:
        table = run_table(space, cursor=cursor, limit=limit, **how)
        ids = [row.run.pk for row in table.rows]
        pages.append(ids)
        found += ids
        if not table.page.following:
            break
        cursor = table.page.following
    back: list[list[uuid.UUID]] = []
    while table.page.previous:
        table = run_table(space, cursor=table.page.previous, limit=limit, **how)
        back.insert(0, [row.run.pk for row in table.rows])
    assert back == pages[:-1]
    return found


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.usefixtures("stopped_clock")
def test_pages_bring_every_run_once(many: Experiment, project: Project, sort: str, sign: str) -> None:
    everything = set(many.runs.values_list("pk", flat=True))
    for space in (experiment_space(many), project_space(project)):
        whole = [row.run.pk for row in run_table(space, sort=sign + sort, limit=100).rows]
        assert set(whole) == everything
        assert len(whole) == len(everything)
        assert walk(space, 7, sort=sign + sort) == whole


def test_numbers_then_text_then_nothing(many: Experiment) -> None:
    rows = run_table(experiment_space(many), sort="params.x", limit=100).rows
    kinds = [
        0 if isinstance(value, int | float) and not isinstance(value, bool) else 2 if value is None else 1
        for value in (row.run.params["x"] for row in rows)
    ]
    assert kinds == sorted(kinds)


@pytest.mark.parametrize("sort", ["-metrics.accuracy", "params.x", "state", "-duration"])
def test_what_does_not_change_is_on_one_page_while_the_rest_does(many: Experiment, sort: str) -> None:
    """Odd numbers stay as they are; even ones get other values, go, and come between the pages."""
    Run.objects.filter(state="running").update(state="completed")
    space, draw = experiment_space(many), random.Random(7)
    steady = set(many.runs.filter(number__in=range(1, 61, 2)).values_list("pk", flat=True))
    seen: list[uuid.UUID] = []
    cursor = ""
    while True:
        table = run_table(space, sort=sort, cursor=cursor, limit=6)
        seen += [row.run.pk for row in table.rows if row.run.pk in steady]
        cursor = table.page.following
        if not cursor:
            break
        for run in many.runs.exclude(pk__in=steady).order_by("?")[:5]:
            value = draw.choice([0.1, 0.5, math.inf, math.nan])
            RunMetric.objects.filter(run=run, name="accuracy").update(max=value, last=value)
            RunParam.objects.filter(run=run, name="x").update(number=draw.choice([1, 2, 3]), text=None)
            many.runs.filter(pk=run.pk).update(
                state="queued", attempted=timedelta(seconds=draw.randrange(99))
            )
        # The row that the cursor names is gone, too.
        many.runs.exclude(pk__in=steady).filter(pk__in=[row.run.pk for row in table.rows[-1:]]).delete()
        last = many.runs.order_by("-number").first()
        assert last is not None
        Run.objects.create(experiment=many, number=last.number + 1, set_number=99, seed=1, params={})
    assert len(seen) == len(set(seen))
    assert set(seen) == steady


def value_of(run: Run, comparison: Comparison) -> Any:  # noqa: PLR0911  # one per kind of field
    """What a comparison is about, read as plainly as possible; None for none."""
    field = comparison.field
    match field.head:
        case "metrics":
            metric = run.metrics.filter(name=field.name).first()
            part = field.part or ("max" if field.name == "accuracy" else "last")
            value = getattr(metric, part) if metric else None
            return None if value is None or math.isnan(value) else value
        case "params":
            value = run.params.get(field.name)
            return str(value).lower() if isinstance(value, bool) else value
        case "tags":
            return run.tags.get(field.name)
        case "cause":
            return run.cause_code or None
        case "started":
            return run.started_at
        case "set":
            return run.set_number
    return getattr(run, field.head)


def meaning(literal: Literal, value: Any) -> Any:
    if isinstance(value, datetime):
        return datetime.fromisoformat(literal.text).replace(tzinfo=UTC)
    return float(literal.text) if is_number(literal) and not isinstance(value, str) else literal.text


def plainly(node: Node, run: Run) -> bool:  # noqa: PLR0911  # one per kind of node
    """Whether the query holds for the run, by reading it as a person would."""
    match node:
        case And(parts):
            return all(plainly(part, run) for part in parts)
        case Or(parts):
            return any(plainly(part, run) for part in parts)
        case Not(inner):
            return not plainly(inner, run)
    assert isinstance(node, Comparison)
    value = value_of(run, node)
    if node.values[0].text == "none":
        return (value is None) == (node.op == "=")
    if value is None:
        return False
    if (
        node.field.head == "params"
        and is_number(node.values[0]) == isinstance(value, str)
        and node.op != "in"
    ):
        # A number is no text.
        return node.op == "!="
    meant = [meaning(literal, value) for literal in node.values]
    if node.field.head == "params" and node.op == "in":
        meant = [
            one
            for one, given in zip(meant, node.values, strict=True)
            if is_number(given) != isinstance(value, str)
        ]
    operators: dict[str, Callable[[], bool]] = {
        "=": lambda: value == meant[0],
        "!=": lambda: value != meant[0],
        "<": lambda: value < meant[0],
        "<=": lambda: value <= meant[0],
        ">": lambda: value > meant[0],
        ">=": lambda: value >= meant[0],
        "in": lambda: value in meant,
        "contains": lambda: isinstance(value, str) and meant[0].lower() in value.lower(),
    }
    return operators[node.op]()


LEAVES = [
    "metrics.accuracy > 0.5", "metrics.accuracy >= 0.5", "metrics.accuracy = 0.5", "metrics.accuracy != 0.5",
    "metrics.accuracy in (0.25, 1)", "metrics.accuracy = none", "metrics.accuracy != none", "metrics.accuracy = inf",
    "metrics.accuracy.min < 0.5", "metrics.accuracy.last > 0.2", "metrics.loss < 0.6", "metrics.loss > -inf",
    "params.x = 2", "params.x != 2", 'params.x = "2"', 'params.x != "2"', "params.x > 0.5", "params.x in (2, sgd)",
    "params.x = true", "params.x contains A", "params.x contains '%_'", "params.x = none", "params.x != none",
    """params.x = 'it\\'s "odd" %_'""", "tags.kind = ablation", "tags.kind != ablation", "tags.kind = none",
    'tags.kind = ""', "tags.5 = five", "tags.kind in (base, ablation)", "tags.kind contains as",
    """tags."o'dd" = 'a%b'""", """tags."o'dd" contains '%'""", "state = failed", "state != failed",
    "state in (queued, running)", "number <= 30", "number in (1, 2, 60)", "set > 15", "cause = user_error",
    "cause != user_error", "cause = none", "started > 2026-05-10", "started <= 2026-05-01T00:00", "started = none",
]  # fmt: skip


def test_each_comparison_and_any_combination_means_what_it_says(many: Experiment, project: Project) -> None:
    runs = list(many.runs.order_by("number"))
    draw = random.Random(11)

    def any_query(depth: int) -> str:
        if depth == 0 or draw.random() < 0.2:
            return draw.choice(LEAVES)
        match draw.randrange(3):
            case 0:
                return f"not ({any_query(depth - 1)})"
            case 1:
                return f"({any_query(depth - 1)}) and ({any_query(depth - 1)})"
        return f"({any_query(depth - 1)}) or ({any_query(depth - 1)})"

    queries = [*LEAVES, *(f"not {leaf}" for leaf in LEAVES), *(any_query(3) for _ in range(80))]
    for space in (experiment_space(many), project_space(project)):
        for query in queries:
            node = parse(query)
            assert node is not None
            expected = [run.number for run in runs if plainly(node, run)]
            table = run_table(space, where=query, limit=100)
            assert [row.run.number for row in table.rows] == expected, query
            assert table.count == len(expected)


def test_duration_counts_what_is_under_way(many: Experiment) -> None:
    Run.objects.update(state="completed", attempted=timedelta(seconds=30), attempt_started_at=None)
    hour_ago = clock.now() - timedelta(hours=1)
    many.runs.filter(number=7).update(state="running", attempt_started_at=hour_ago)
    many.runs.filter(number=8).update(attempted=None)
    space = experiment_space(many)
    assert [row.run.number for row in run_table(space, where="duration > 1h").rows] == [7]
    assert run_table(space, where="duration <= 30").count == 58
    assert [row.run.number for row in run_table(space, where="duration = none").rows] == [8]
    assert run_table(space, sort="-duration").rows[0].seconds == pytest.approx(3630, abs=60)


def test_a_filter_holds_on_every_page(many: Experiment) -> None:
    where = "metrics.accuracy >= 0.5 or params.x = none"
    for sort in ("-metrics.loss", "params.x", "ended", "number"):
        whole = [
            row.run.pk for row in run_table(experiment_space(many), where=where, sort=sort, limit=99).rows
        ]
        assert walk(experiment_space(many), 5, where=where, sort=sort) == whole


@pytest.mark.parametrize(
    "evil", ["'; DROP TABLE experiments_run; --", "1) OR (1=1", "\\'", "%s", "{}", "$1", "x::int"]
)
def test_injection(many: Experiment, evil: str) -> None:
    quoted = '"' + evil.replace("\\", "\\\\").replace('"', '\\"') + '"'
    space = experiment_space(many)
    for place in (
        "params.x = ?",
        "tags.? = ?",
        "tags.kind contains ?",
        "user = ?",
        "params.x in (?, 1e999)",
        "cause = ?",
    ):
        query = place.replace("?", quoted)
        table = run_table(space, where=query)
        assert len(table.rows) == table.count
    assert len(run_table(space, sort=f"-tags.{quoted}").rows) == 50
    RunMetric.objects.filter(name="loss").update(name=evil)
    RunParam.objects.filter(name="lr").update(name=evil)
    odd = experiment_space(many)
    assert run_table(
        odd, where=f"metrics.{quoted} >= 0.5 and params.{quoted} > 0.2", sort=f"metrics.{quoted}"
    ).count
    assert many.runs.count() == 60


@pytest.mark.parametrize("cursor", ["x", "x:y:z", "é", "AAAA:1:2" * 50])
def test_a_cursor_that_nobody_gave_out(many: Experiment, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="begin at the first page") as caught:
        run_table(experiment_space(many), cursor=cursor)
    assert caught.value.field == "after"


def test_a_cursor_of_another_order(many: Experiment) -> None:
    following = run_table(experiment_space(many), sort="-number", limit=3).page.following
    with pytest.raises(InvalidInput):
        run_table(experiment_space(many), sort="number", cursor=following)


def test_an_empty_project_has_an_empty_table(project: Project) -> None:
    space = project_space(project)
    assert run_table(space, where="state = failed", sort="-created").rows == []
    assert run_table(space, sort="tags.x").rows == []


def plan_of(sql: str, **settings: str) -> str:
    with connection.cursor() as cursor:
        for name, value in settings.items():
            cursor.execute(f"SET LOCAL {name} = {value}")
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


def test_pages_read_indexes(experiment: Experiment) -> None:
    experiment.runs.all().delete()
    Seeds(1, metrics=6, params=3, repeat=1).write(experiment, 4000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    space = experiment_space(experiment)
    where = 'metrics.accuracy > 0.9 and (params.lr < 0.001 or tags.kind = "ablation") and state = completed'
    with CaptureQueriesContext(connection) as captured:
        table = run_table(space, where=where, sort="-metrics.loss", limit=5)
    assert len(table.rows) == 5
    # Two around the one that finds the runs, one for the page, four for what is shown of it, and a savepoint.
    statements = [one["sql"] for one in captured.captured_queries]
    assert len(statements) == 10
    finding = next(sql for sql in statements if "ARRAY_AGG" in sql)
    plan = plan_of(finding, enable_nestloop="off", work_mem="'64MB'")
    assert "run_metric_sort" in plan
    assert "run_param_number" in plan
    assert "Nested Loop" not in plan
    page = next(sql for sql in statements if "sort_key" in sql)
    assert "Scan Backward using run_metric_sort" in plan_of(page, enable_nestloop="on")
    for sort, index in {
        "params.lr": "run_param_number",
        "number": "run_number_unique",
        "state": "run_state",
    }.items():
        with CaptureQueriesContext(connection) as captured:
            run_table(space, sort=sort, limit=5)
        page = next(one["sql"] for one in captured.captured_queries if "sort_key" in one["sql"])
        assert index in plan_of(page), sort
