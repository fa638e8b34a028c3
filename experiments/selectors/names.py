"""Which metrics and parameters runs have, and whether their values differ: a few looks into an index for each name."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from experiments.models import RunMetric, RunParam
from experiments.selectors.conditions import Scope
from experiments.system_metrics import PREFIX as SYSTEM

# Of an experiment; the names of one that has more are not all known.
MAX_NAMES = 1000

# PostgreSQL has no skip scan for DISTINCT: this goes from each name to the next one.
NAMES = """
    SELECT found.name, {columns}
    FROM unnest(%s::uuid[]) AS experiment (id), LATERAL (
        WITH RECURSIVE walk (name, place) AS (
            (SELECT name, 1 FROM {table} WHERE experiment_id = experiment.id ORDER BY name LIMIT 1)
            UNION ALL
            SELECT (
                SELECT row.name FROM {table} AS row
                WHERE row.experiment_id = experiment.id AND row.name > walk.name ORDER BY row.name LIMIT 1
            ), place + 1
            FROM walk WHERE walk.name IS NOT NULL AND place < {limit}
        )
        SELECT name FROM walk WHERE name IS NOT NULL
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


def metric_names(scope: Scope, *, system: bool = False) -> list[Named]:
    """Metrics that any run reported, or instead what workers said of their machines. One query."""
    found = _names(RunMetric, ["value"], scope)
    return [named for named in found if named.name.startswith(SYSTEM) == system]


def param_names(scope: Scope) -> list[Named]:
    """Parameters that any run has. One query."""
    return _names(RunParam, ["number", "text"], scope)


def _names(model: type[RunMetric | RunParam], columns: list[str], scope: Scope) -> list[Named]:
    table = model._meta.db_table
    ends = [
        END.format(column=column, table=table, direction=direction)
        for column in columns
        for direction in ("ASC", "DESC")
    ]
    values: dict[str, set[Any]] = {}
    with connection.cursor() as cursor:
        # Names of ours, put together from constants.
        cursor.execute(
            NAMES.format(table=table, columns=", ".join(ends), limit=MAX_NAMES), [list(scope.experiments)]
        )
        for name, *found in cursor.fetchall():
            values.setdefault(name, set()).update(value for value in found if value is not None)
    return [Named(name, len(found) > 1) for name, found in sorted(values.items())]
