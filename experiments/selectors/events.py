"""What happened to an experiment and its runs, newest first."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import F

from experiments.models import Experiment, RunEvent
from experiments.query.parser import Sort
from experiments.query.tree import Field
from experiments.selectors.paging import Page, Phase, page

PAGE_ROWS = 50
NEWEST_FIRST = Sort(Field("id"), descending=True)
# PostgreSQL has no skip scan for DISTINCT: this goes from each kind to the next one.
KINDS = """
    WITH RECURSIVE walk (kind) AS (
        (SELECT kind FROM experiments_runevent WHERE experiment_id = %(id)s ORDER BY kind LIMIT 1)
        UNION ALL
        SELECT (
            SELECT kind FROM experiments_runevent
            WHERE experiment_id = %(id)s AND kind > walk.kind ORDER BY kind LIMIT 1
        )
        FROM walk WHERE walk.kind IS NOT NULL
    )
    SELECT kind FROM walk WHERE kind IS NOT NULL"""


@dataclass(frozen=True)
class EventPage:
    """Some events, each with its run and who did it, and the pages beside them."""

    events: list[RunEvent]
    page: Page


def event_page(
    experiment: Experiment,
    *,
    kind: str = "",
    run: int | None = None,
    cursor: str = "",
    limit: int = PAGE_ROWS,
) -> EventPage:
    """Events of one kind, or of the run of this number, or all. Two queries. Raises InvalidInput(field="after")."""
    rows = RunEvent.objects.filter(experiment=experiment).annotate(sort_key=F("id"))
    if kind:
        rows = rows.filter(kind=kind)
    if run is not None:
        rows = rows.filter(run__experiment=experiment, run__number=run)
    shown = page([Phase(rows, ("id",))], NEWEST_FIRST, cursor=cursor, limit=limit)
    found = RunEvent.objects.select_related("run", "actor").in_bulk(shown.names)
    return EventPage([found[pk] for pk in shown.names if pk in found], shown)


def event_kinds(experiment: Experiment) -> list[str]:
    """The kinds that there are. One query, a look into an index for each of them."""
    with connection.cursor() as cursor:
        cursor.execute(KINDS, {"id": experiment.pk})
        return [kind for (kind,) in cursor.fetchall()]
