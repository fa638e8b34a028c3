"""Which metrics and parameters runs have, and whether their values differ: a few looks into an index for each name."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from experiments.models import RunMetric, RunParam
from experiments.selectors.conditions import Scope
from experiments.system_metrics import PREFIX as SYSTEM

# Of an experiment; the names of one that has more are not all known.
MAX_NAMES = 1000

# PostgreSQL has no skip scan for DISTINCT: this goes from each name to the next one. It passes by those that are not
# wanted: where they begin and end in an index, only the database's collation knows.
NAMES = """
    SELECT {columns}
    FROM unnest(%s::uuid[]) AS experiment (id), LATERAL (
        WITH RECURSIVE walk (name, is_wanted, place) AS (
            SELECT ''::varchar, false, 0
            UNION ALL
            SELECT following.name, following.is_wanted, place + following.is_wanted::int
            FROM walk, LATERAL (
                SELECT name, {wanted} AS is_wanted FROM {table} AS row
                WHERE row.experiment_id = experiment.id AND row.name > walk.name ORDER BY row.name LIMIT 1
            ) AS following
            WHERE place < {limit}
        )
        SELECT name FROM walk WHERE is_wanted
    ) AS found
"""
END = """(
    SELECT {column} FROM {table} AS row
    WHERE row.experiment_id = experiment.id AND row.name = found.name AND {column} IS NOT NULL
    ORDER BY {column} {direction} LIMIT 1
)"""


@dataclass(frozen=True)
class Named:
    """A metric or parameter: whether any run has it, and whether runs have different values of it."""

    name: str
    differs: bool = False
    is_used: bool = True


def metric_names(scope: Scope, *, system: bool = False) -> list[str]:
    """Metrics that any run reported, or instead what workers said of their machines. One query."""
    rows = _walk(RunMetric, ["found.name"], scope, f"starts_with(name, '{SYSTEM}') = {system}")
    return sorted({name for (name,) in rows})


def metrics_named(scope: Scope) -> list[Named]:
    """Metrics that any run reported. One query."""
    return _named(RunMetric, ["value"], scope, f"NOT starts_with(name, '{SYSTEM}')")


def params_named(scope: Scope) -> list[Named]:
    """Parameters that any run has. One query."""
    return _named(RunParam, ["number", "text"], scope, "true")


def _named(model: type[RunMetric | RunParam], columns: list[str], scope: Scope, wanted: str) -> list[Named]:
    ends = [
        END.format(column=column, table=model._meta.db_table, direction=direction)
        for column in columns
        for direction in ("ASC", "DESC")
    ]
    values: dict[str, set[Any]] = {}
    for name, *found in _walk(model, ["found.name", *ends], scope, wanted):
        values.setdefault(name, set()).update(value for value in found if value is not None)
    return [Named(name, len(found) > 1) for name, found in sorted(values.items())]


def _walk(
    model: type[RunMetric | RunParam], columns: list[str], scope: Scope, wanted: str
) -> list[tuple[Any, ...]]:
    """Columns for each name of each experiment."""
    query = NAMES.format(
        columns=", ".join(columns), wanted=wanted, table=model._meta.db_table, limit=MAX_NAMES
    )
    with connection.cursor() as cursor:
        # Put together from constants of ours.
        cursor.execute(query, [list(scope.experiments)])
        return list(cursor.fetchall())
