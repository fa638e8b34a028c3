"""Columns of the tables of runs and of sets: what to show, and where a click on each header leads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from experiments.models import Experiment
from experiments.query.errors import QueryError
from experiments.query.parser import Sort, parse_field
from experiments.query.tree import METRICS, PARAMS, TAGS, Field
from experiments.search.parameters import NUMERIC, Parameter
from experiments.selectors.conditions import PATHS
from experiments.selectors.tables import RunSpace
from experiments.web.looks import Look

# Of the metrics that a table shows if nobody has chosen, and of what is offered to choose from.
MAX_METRICS = 8
# Groups may hold all runs: each metric is a sum over every one of them.
MAX_GROUP_METRICS = 3
MAX_OFFERED = 300
PLAIN = {
    "state": "State",
    "progress": "Progress",
    "curve": "Curve",
    "duration": "Run time",
    "tags": "Tags",
    "created": "Created",
    "started": "Started",
    "ended": "Ended",
    "cause": "Cause",
}
# Of the columns that are always there.
FIRST = {"number": "Run", "set": "Set", "runs": "Runs", "states": "States"}
# Columns that are no fields, so nothing sorts by them.
NO_FIELDS = ("progress", "curve", "tags", "runs", "states")
RIGHT = ("duration",)


@dataclass(frozen=True)
class Column:
    """One column. `key` names it in addresses; `aria_sort` is empty unless the table is sorted by it."""

    key: str
    kind: str
    name: str
    # Of the run, or of the summary of its metric.
    attribute: str
    label: str
    href: str
    aria_sort: str
    numeric: bool
    is_objective: bool


@dataclass(frozen=True)
class Offer:
    """A column that can be chosen."""

    key: str
    label: str
    # params, metrics or tags.
    head: str
    is_shown: bool


@dataclass(frozen=True)
class Columns:
    """The columns that are shown, all that could be in the same order, and what is the same in every line."""

    shown: list[Column]
    offers: list[Offer]
    shared: list[tuple[str, Any]]


@dataclass(frozen=True)
class ColumnMaker:
    """Makes columns of a table of an experiment's runs (or sets) that is looked at like this."""

    experiment: Experiment
    space: RunSpace
    look: Look

    @property
    def metrics(self) -> list[str]:
        """Metrics whose summaries the table needs."""
        names = [field.name for field in self._shown.values() if field.head == METRICS]
        return [*names, self.experiment.objective_metric]

    def columns(self, params: Sequence[dict[str, Any]]) -> Columns:
        """Columns for rows with these parameters."""
        first, shown = {"number": Field("number")}, self._shown
        if self.look.grouped:
            by = Field(PARAMS, self.look.by_param) if self.look.by_param else Field("set")
            first = {str(by): by, "runs": Field("runs"), "states": Field("states")}
            kinds = (METRICS, "duration") if self.look.by_param else (PARAMS, METRICS, "duration")
            shown = {key: field for key, field in shown.items() if field.head in kinds}
        fields = first | shown
        return Columns(
            shown=[self._column(key, field) for key, field in fields.items()],
            offers=self._offers(),
            shared=self._shared(params, set(shown.values())),
        )

    @cached_property
    def _chosen(self) -> dict[str, Field]:
        fields = {key: _field(key) for key in self.look.columns or self._automatic()}
        return {key: field for key, field in fields.items() if field and self._has(key)}

    def _has(self, key: str) -> bool:
        """There is a curve where there is an objective."""
        return key != "curve" or bool(self.experiment.objective_metric)

    @cached_property
    def _shown(self) -> dict[str, Field]:
        return {
            key: field
            for key, field in self._chosen.items()
            if not (self.look.differing and self._is_same(field))
        }

    @cached_property
    def _declared(self) -> dict[str, Parameter]:
        return self.experiment.declared

    @cached_property
    def _params(self) -> list[Field]:
        return [Field(PARAMS, one.name) for one in self.space.params]

    @cached_property
    def _differing(self) -> set[Field]:
        """Parameters and metrics; also what applies to some runs only, but nothing that applies to none."""
        conditional = {name for name, declared in self._declared.items() if declared.when}
        params = [
            one.name for one in self.space.params if one.is_used and (one.differs or one.name in conditional)
        ]
        metrics = [one.name for one in self.space.metrics if one.differs]
        return {*(Field(PARAMS, name) for name in params), *(Field(METRICS, name) for name in metrics)}

    def _automatic(self) -> list[str]:
        """State, progress, the objective, its curve, parameters that differ, the first metrics, what it is sorted by.

        What decides stands where a narrow screen still shows it.
        """
        most = MAX_GROUP_METRICS if self.look.by_param else MAX_METRICS
        metrics = [str(Field(METRICS, one.name)) for one in self.space.metrics[:most]]
        decides = 1 if self.experiment.objective_metric else 0
        params = [str(field) for field in self._params if field in self._differing]
        keys = ["state", "progress", *metrics[:decides], "curve", *params, *metrics[decides:], "duration"]
        wanted = self.look.sort.removeprefix("-")
        if wanted and wanted not in keys and wanted not in ("number", "set"):
            keys.insert(-1, wanted)
        return keys

    def _is_same(self, field: Field) -> bool:
        return field.head in (PARAMS, METRICS) and Field(field.head, field.name) not in self._differing

    def _offers(self) -> list[Offer]:
        named = [*self._params, *(Field(METRICS, one.name) for one in self.space.metrics)]
        others = {key: Field(key) for key in PLAIN if self._has(key)} | {str(field): field for field in named}
        offered = self._chosen | others
        return [
            Offer(key, self._label(key, field), field.name and field.head, key in self._chosen)
            for key, field in islice(offered.items(), MAX_OFFERED)
        ]

    def _shared(self, params: Sequence[dict[str, Any]], shown: Collection[Field]) -> list[tuple[str, Any]]:
        """Parameters with one value in all runs that are not in a column."""
        first = params[0] if params else {}
        same = [field for field in self._params if field not in self._differing and field not in shown]
        return [(field.name, first[field.name]) for field in same if field.name in first]

    def _label(self, key: str, field: Field) -> str:
        if not field.name:
            return (FIRST | PLAIN)[key]
        if field.part:
            return f"{field.name} ({field.part})"
        return f"{field.name} (best)" if self._is_objective(field) else field.name

    def _column(self, key: str, field: Field) -> Column:
        declared = self._declared.get(field.name) if field.head == PARAMS else None
        return Column(
            key=key,
            kind=field.head,
            name=field.name,
            attribute=self._attribute(field),
            label=self._label(key, field),
            href="" if key in NO_FIELDS else self._href(key, field),
            aria_sort={key: "ascending", f"-{key}": "descending"}.get(self._sort, ""),
            numeric=field.head == METRICS
            or key in RIGHT
            or (
                field.head == PARAMS
                # What heads a row stands on the left.
                and field.name != self.look.by_param
                and (declared is None or declared.type in NUMERIC)
            ),
            is_objective=self._is_objective(field),
        )

    def _is_objective(self, field: Field) -> bool:
        return field.head == METRICS and field.name == self.experiment.objective_metric and not field.part

    @property
    def _sort(self) -> str:
        return self.look.sort or self.look.group or "number"

    def _attribute(self, field: Field) -> str:
        if field.head == METRICS:
            return field.part or (self.experiment.objective_field if self._is_objective(field) else "last")
        return PATHS.get(field.head, "")

    def _href(self, key: str, field: Field) -> str:
        """The other way round if it is sorted by this; otherwise first a metric's high values, unless low is better."""
        is_low = self._is_objective(field) and self.experiment.objective_field == "min"
        descending = field.head == METRICS and not is_low
        if self._sort in (key, f"-{key}"):
            descending = self._sort == key
        return self.look.changed(sort=str(Sort(field, descending))).href


def _field(key: str) -> Field | None:
    """What a column of runs shows; None for what is no column."""
    if key in PLAIN:
        return Field(key)
    try:
        field = parse_field(key)
    except QueryError:
        return None
    return field if field.head in (PARAMS, METRICS, TAGS) else None
