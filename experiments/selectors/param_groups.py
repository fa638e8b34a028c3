"""Runs of an experiment that have the same value of one parameter taken together, a page of values at a time.

In SQL, because tables meet by the number of the run: indexes have it, and Django joins by ids only.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.backends.utils import CursorWrapper

from experiments.query.parser import Sort
from experiments.query.tree import METRICS, PARAMS, Field, quoted
from experiments.selectors.groups import Spread
from experiments.selectors.matching import PLANNER, planned
from experiments.selectors.tables import RunSpace, checked_sort, runs_matching
from experiments.states import RunState

MAX_GROUPS = 50
MAX_PAGE = 100_000
# So many runs are looked up one by one; of more, whole indexes are read.
FEW_RUNS = 2000
LOOKED_UP = {"enable_hashjoin": "off", "enable_mergejoin": "off"}

Key = tuple[float | None, str | None]
# Of the experiment and the parameter; with a query, the runs for which it holds.
ROWS = """experiments_runparam AS param
    JOIN experiments_run AS run ON run.experiment_id = %(experiment)s AND run.number = param.run_number {joined}
    WHERE param.experiment_id = %(experiment)s AND param.name = %(name)s {matching}"""
# In a CASE nobody estimates it; see `matching`.
MATCHING = "AND CASE WHEN param.run_number = ANY (%(keys)s::int[]) THEN true ELSE false END"
LISTED = "AND (param.number = ANY(%(numbers)s) OR param.text = ANY(%(texts)s))"
FINITE = "value > '-Infinity' AND value < 'Infinity'"
KEYS = """
    SELECT number, text, count(*) OVER ()
    FROM (
        SELECT DISTINCT param.number, param.text FROM experiments_runparam AS param
        WHERE param.experiment_id = %(experiment)s AND param.name = %(name)s {matching}
    ) AS found
    ORDER BY number {direction}, text {direction} LIMIT %(limit)s OFFSET %(offset)s"""
# What has no value comes last either way.
KEYS_BY = """
    SELECT number, text, count(*) OVER ()
    FROM (SELECT param.number, param.text, {sort} AS sort FROM {rows} GROUP BY 1, 2) AS found
    ORDER BY sort {direction} NULLS LAST, number, text LIMIT %(limit)s OFFSET %(offset)s"""
BY_DURATION = "sum(run.attempted)"
BY_METRIC = "avg(metric.value)"
METRIC = f"""LEFT JOIN experiments_runmetric AS metric ON metric.experiment_id = %(experiment)s
        AND metric.run_number = run.number AND metric.name = %(metric)s AND {FINITE} AND run.state = 'completed'"""
STATES = """
    SELECT param.number, param.text, run.state, count(*), sum(run.attempted) FROM {rows} {listed} GROUP BY 1, 2, 3"""
SPREADS = """
    WITH trained AS MATERIALIZED (
        SELECT param.number, param.text, param.run_number, param.run_id FROM {rows} {listed}
            AND run.state = 'completed'
    )
    SELECT trained.number, trained.text, metric.name, avg(value), stddev_samp(value), count(*)
    FROM trained JOIN experiments_runmetric AS metric ON {meeting}
    WHERE metric.name = ANY(%(metrics)s) AND {finite}
    GROUP BY 1, 2, 3"""
BY_NUMBER = "metric.experiment_id = %(experiment)s AND metric.run_number = trained.run_number"
BY_ID = "metric.run_id = trained.run_id"


@dataclass(frozen=True)
class GroupRow:
    """Runs with one value. `where` finds them; `states` counts them by state, `size` all of them.

    Of the metrics those count that have completed, as in sets.
    """

    value: float | str | None
    where: str
    size: int
    states: list[tuple[str, int]]
    metrics: dict[str, Spread]
    seconds: float | None


@dataclass(frozen=True)
class GroupPage:
    """Some groups in order, which page of them it is from 1, and how many there are in all."""

    groups: list[GroupRow]
    number: int
    count: int

    @property
    def has_following(self) -> bool:
        """Whether there are more."""
        return self.number * MAX_GROUPS < self.count


def param_groups(
    space: RunSpace, name: str, *, where: str, sort: str, metrics: Sequence[str], number: int = 1
) -> GroupPage:
    """At most MAX_GROUPS of an experiment, without runs that lack the parameter. Three queries, and that of `where`.

    Raises QueryError for the query, InvalidInput(field="sort").
    """
    order = checked_sort(space, sort) if sort else Sort(Field(PARAMS, name))
    found = runs_matching(space, where)
    reader = _Reader(
        matching="" if found.keys is None else MATCHING,
        given={
            "experiment": space.scope.experiments[0],
            "name": name,
            "keys": found.keys,
            "metric": order.field.name,
            "metrics": list(metrics),
            "limit": MAX_GROUPS,
            "offset": (number - 1) * MAX_GROUPS,
        },
    )
    with planned(**PLANNER) as cursor:
        keys, count = reader.keys(cursor, order)
        states, spent = reader.states(cursor, keys)
    spreads = reader.spreads(keys, sum(counts.total() for counts in states.values()))
    groups = [
        GroupRow(
            value=value if text is None else text,
            where=_where(where, name, (value, text)),
            size=states[value, text].total(),
            states=[
                (state, states[value, text][state]) for state in RunState.values if states[value, text][state]
            ],
            metrics=spreads[value, text],
            seconds=sum(each.total_seconds() for each in spent[value, text]) if spent[value, text] else None,
        )
        for value, text in keys
    ]
    return GroupPage(groups, number, count)


@dataclass(frozen=True)
class _Reader:
    """Asks about the groups; all names in its SQL are constants of this file."""

    matching: str
    given: dict[str, Any]

    def keys(self, cursor: CursorWrapper, order: Sort) -> tuple[list[Key], int]:
        """Those of the page in their order, and how many there are."""
        direction = "DESC" if order.descending else "ASC"
        sort = {"duration": BY_DURATION, METRICS: BY_METRIC}.get(order.field.head)
        if sort is None:
            # Text has no number: numbers come first, and last the other way round.
            query = KEYS.format(matching=self.matching, direction=direction)
        else:
            rows = self._rows(METRIC if sort == BY_METRIC else "")
            query = KEYS_BY.format(rows=rows, sort=sort, direction=direction)
        found = self._all(cursor, query)
        return [(number, text) for number, text, _ in found], found[0][2] if found else 0

    def states(
        self, cursor: CursorWrapper, keys: Sequence[Key]
    ) -> tuple[dict[Key, Counter[str]], dict[Key, list[timedelta]]]:
        """Runs by state, and how long they took."""
        states: dict[Key, Counter[str]] = defaultdict(Counter)
        spent: dict[Key, list[timedelta]] = defaultdict(list)
        query = STATES.format(rows=self._rows(), listed=LISTED)
        for number, text, state, count, attempted in self._all(cursor, query, keys):
            states[number, text][state] += count
            spent[number, text] += [attempted] if attempted is not None else []
        return states, spent

    def spreads(self, keys: Sequence[Key], size: int) -> dict[Key, dict[str, Spread]]:
        """Mean and deviation of each metric in each group; `size` is how many runs these have together."""
        few = size <= FEW_RUNS
        query = SPREADS.format(
            rows=self._rows(), listed=LISTED, finite=FINITE, meeting=BY_ID if few else BY_NUMBER
        )
        spreads: dict[Key, dict[str, Spread]] = defaultdict(dict)
        with planned(**(LOOKED_UP if few else PLANNER)) as cursor:
            for number, text, metric, mean, std, count in self._all(cursor, query, keys):
                spreads[number, text][metric] = Spread(mean, std, count)
        return spreads

    def _rows(self, joined: str = "") -> str:
        return ROWS.format(matching=self.matching, joined=joined)

    def _all(self, cursor: CursorWrapper, query: str, keys: Sequence[Key] = ()) -> list[tuple[Any, ...]]:
        numbers = [number for number, text in keys if text is None]
        texts = [text for _, text in keys if text is not None]
        cursor.execute(query, {**self.given, "numbers": numbers, "texts": texts})
        return list(cursor.fetchall())


def _where(where: str, name: str, key: Key) -> str:
    number, text = key
    value = f"{number:.17g}" if text is None else quoted(text)
    own = f"{Field(PARAMS, name)} = {value}"
    return f"({where}) and {own}" if where else own
