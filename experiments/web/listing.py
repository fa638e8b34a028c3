"""The part of an experiment's page that lists its runs."""

from dataclasses import dataclass
from typing import Any

from accounts.web.access import SignedInRequest
from experiments.models import Experiment, RunView
from experiments.query.errors import QueryError
from experiments.query.tree import BY_SET, PARAMS, Field
from experiments.selectors.groups import SetRow, set_table
from experiments.selectors.overview import RunCounts
from experiments.selectors.paging import Page
from experiments.selectors.param_groups import MAX_PAGE, GroupRow, param_groups
from experiments.selectors.runs import RunRow
from experiments.selectors.tables import (
    PAGE_ROWS,
    RunSpace,
    Table,
    TableReader,
    checked_sort,
    experiment_space,
    rows_numbered,
    run_table,
)
from experiments.selectors.views import views_of
from experiments.web.cells import lines
from experiments.web.columns import ColumnMaker
from experiments.web.completion import query_fields
from experiments.web.looks import Look
from experiments.web.words import counted
from mlplatform.kernel.errors import InvalidInput

MAX_GROUP_OFFERS = 30


@dataclass(frozen=True)
class KeptView:
    """A line of the menu of views."""

    view: RunView
    href: str
    may_change: bool


def runs_shown(
    request: SignedInRequest, experiment: Experiment, counts: RunCounts, *, may_control: bool
) -> dict[str, Any]:
    """Context of the table: `look`, `table`, `columns` and what the bar above it needs."""
    space = experiment_space(experiment)
    views = list(views_of(request.user, experiment.project))
    view = next((one for one in views if one.is_default), None) if not request.GET else None
    look = _usable(Look.of_view(view, experiment.pk), space) if view else Look.of(request.GET)
    maker = ColumnMaker(experiment, space, look)
    error = ""
    table: Table[Any]
    try:
        table = _table(space, look, maker.metrics)
    except QueryError as wrong:
        error = wrong.message
        table = Table([], Page([], "", ""), 0)
    pinned = rows_numbered(experiment, () if look.grouped else look.pinned, maker.metrics)
    runs = [row for row in table.rows if isinstance(row, RunRow) and row.run.number not in look.pinned]
    columns = maker.columns(
        [
            row.params if isinstance(row, SetRow) else row.run.params
            for row in table.rows
            if not isinstance(row, GroupRow)
        ]
    )
    unpin = {row.run.pk: look.pinning([row.run.number]).href for row in pinned}
    drawn = lines(experiment, columns.shown, [*pinned, *runs], unpin)
    total = len(table.rows) if look.by_param else counts.sets if look.grouped else counts.total
    return {
        "look": look,
        "table": table,
        "listed": f"values of {look.by_param}" if look.by_param else "sets" if look.grouped else "runs",
        "group_offers": [
            (one.name, look.changed(group=str(Field(PARAMS, one.name)), sort="").href)
            for one in space.params
            if one.differs
        ][:MAX_GROUP_OFFERS],
        "columns": columns.shown,
        "pinned": drawn[: len(pinned)],
        "lines": drawn[len(pinned) :],
        "offers": columns.offers,
        "shared": columns.shared,
        "fields": query_fields(experiment, space, [row.run for row in [*pinned, *runs]]),
        "query_error": error,
        "shown_words": _words(look, len(table.rows), table.count, total),
        "has_repeats": counts.total > counts.sets,
        "filter_fields": look.fields("where"),
        "column_fields": look.fields("column", "differing"),
        "view": view,
        "views": [
            KeptView(
                one, Look.of_view(one, experiment.pk).href, may_control or one.owner_id == request.user.pk
            )
            for one in views
        ],
        **_links(look, table.page),
    }


def _links(look: Look, page: Page) -> dict[str, str]:
    """Where the table's buttons lead."""
    return {
        "everything": Look().href,
        "unfiltered": look.changed(where="").href,
        "automatic": look.changed(columns=(), differing=False).href,
        # Fields that runs can be sorted by need not do for sets.
        "ungrouped": look.changed(group="", sort="").href,
        "by_set": look.changed(group=BY_SET, sort="").href,
        "first_page": look.changed().href,
        "previous_page": look.changed(after=page.previous).href if page.previous else "",
        "following_page": look.changed(after=page.following).href if page.following else "",
    }


def _words(look: Look, shown: int, matching: int | None, total: int) -> str:
    what = "value" if look.by_param else "set" if look.grouped else "run"
    if look.by_param:
        # A query is about runs: how many values there are without it, nobody asked.
        return (
            f"{shown:,} of {counted(matching or 0, what)}"
            if shown < (matching or 0)
            else counted(shown, what)
        )
    if matching is None:
        return f"{shown:,} of {counted(total, what)}" if shown < total else counted(total, what)
    of = f"{matching:,} of {counted(total, what)}"
    return f"{of} match, {shown:,} shown" if shown < matching else f"{of} match"


def _table(space: RunSpace, look: Look, metrics: list[str]) -> Table[Any]:
    if look.by_param:
        number = int(look.after) if look.after.isascii() and look.after.isdigit() else 1
        found = param_groups(
            space,
            look.by_param,
            where=look.where,
            sort=look.sort,
            metrics=metrics,
            number=min(max(number, 1), MAX_PAGE),
        )
        # Pages of values go by number: sums over all of them have no place to go on from.
        previous = str(found.number - 1) if found.number > 1 else ""
        following = str(found.number + 1) if found.has_following else ""
        return Table(found.groups, Page([], previous, following), found.count)
    read: TableReader[RunRow] | TableReader[SetRow] = set_table if look.grouped else run_table
    return read(
        space,
        where=look.where,
        sort=look.sort or "number",
        cursor=look.after,
        limit=PAGE_ROWS,
        metrics=metrics,
    )


def _usable(look: Look, space: RunSpace) -> Look:
    """A view may have been made for other experiments: what its order names need not be here."""
    try:
        checked_sort(space, look.sort or "number")
    except InvalidInput:
        return look.changed(sort="")
    return look
