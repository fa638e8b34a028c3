"""Columns of the tables of runs and of sets: what to show, and where a click on each header leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.models import Experiment
from experiments.query.errors import QueryError
from experiments.query.parser import Sort, parse_field
from experiments.query.tree import METRICS, PARAMS, TAGS, Field
from experiments.search.parameters import NUMERIC
from experiments.selectors.conditions import PATHS
from experiments.selectors.tables import RunSpace
from experiments.web.looks import Look

# Of the metrics that a table shows if nobody has chosen, and of what is offered to choose from.
MAX_METRICS = 8
MAX_OFFERED = 300
PLAIN = {
    "state": "State",
    "progress": "Progress",
    "duration": "Run time",
    "tags": "Tags",
    "created": "Created",
    "started": "Started",
    "ended": "Ended",
    "cause": "Cause",
}
# Columns that are no fields, so nothing sorts by them.
NO_FIELDS = ("progress", "tags", "runs", "states")
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
        fields = [parse_field(key) for key in self._shown() if key not in PLAIN]
        names = [field.name for field in fields if field.head == METRICS]
        return [*names, self.experiment.objective_metric]

    def columns(self, params: Sequence[dict[str, Any]]) -> Columns:
        """Columns for rows with these parameters."""
        shown = self._shown()
        if self.look.grouped:
            shown = [key for key in shown if key.partition(".")[0] in (PARAMS, METRICS, "duration")]
        first = ["set", "runs", "states"] if self.look.grouped else ["number"]
        return Columns(
            shown=[self._column(key) for key in [*first, *shown]],
            offers=self._offers(self._chosen()),
            shared=self._shared(params, shown),
        )

    def _chosen(self) -> list[str]:
        return [key for key in self.look.columns or self._automatic() if self._exists(key)]

    def _shown(self) -> list[str]:
        return [key for key in self._chosen() if not (self.look.differing and self._is_same(key))]

    def _automatic(self) -> list[str]:
        """State, progress, the objective, the parameters that differ, the first metrics, and what it is sorted by.

        What decides stands where a narrow screen still shows it.
        """
        params = [str(Field(PARAMS, one.name)) for one in self.space.params if self._varies(one.name)]
        metrics = [str(Field(METRICS, one.name)) for one in self.space.metrics[:MAX_METRICS]]
        decides = 1 if self.experiment.objective_metric else 0
        keys = ["state", "progress", *metrics[:decides], *params, *metrics[decides:], "duration"]
        wanted = self.look.sort.removeprefix("-")
        if wanted and wanted not in keys and wanted not in ("number", "set") and self._exists(wanted):
            keys.insert(-1, wanted)
        return keys

    def _varies(self, name: str) -> bool:
        """One that applies to no run at all is left out, one that applies to some only is not."""
        found = next((one for one in self.space.params if one.name == name), None)
        declared = self.experiment.declared.get(name)
        return found is not None and found.is_used and (found.differs or bool(declared and declared.when))

    def _is_same(self, key: str) -> bool:
        head, _, _ = key.partition(".")
        if head not in (PARAMS, METRICS):
            return False
        name = parse_field(key).name
        if head == PARAMS:
            return not self._varies(name)
        return not any(one.differs for one in self.space.metrics if one.name == name)

    def _exists(self, key: str) -> bool:
        if key in PLAIN:
            return True
        try:
            return parse_field(key).head in (PARAMS, METRICS, TAGS)
        except QueryError:
            return False

    def _offers(self, keys: Sequence[str]) -> list[Offer]:
        others = [
            *PLAIN,
            *(str(Field(PARAMS, one.name)) for one in self.space.params),
            *(str(Field(METRICS, one.name)) for one in self.space.metrics),
        ]
        offered = [*keys, *(key for key in others if key not in keys)]
        return [self._offer(key, key in keys) for key in offered[:MAX_OFFERED]]

    def _offer(self, key: str, is_shown: bool) -> Offer:
        return Offer(key, self._label(key), "" if key in PLAIN else key.partition(".")[0], is_shown)

    def _shared(self, params: Sequence[dict[str, Any]], shown: Sequence[str]) -> list[tuple[str, Any]]:
        """Parameters with one value in all runs that are not in a column."""
        first = params[0] if params else {}
        names = [one.name for one in self.space.params if not self._varies(one.name)]
        return [
            (name, first[name]) for name in names if name in first and str(Field(PARAMS, name)) not in shown
        ]

    def _label(self, key: str) -> str:
        if key in PLAIN:
            return PLAIN[key]
        field = parse_field(key)
        if field.head == METRICS:
            if field.part:
                return f"{field.name} ({field.part})"
            return f"{field.name} (best)" if self._is_objective(field) else field.name
        return field.name

    def _column(self, key: str) -> Column:
        labels = {"number": "Run", "set": "Set", "runs": "Runs", "states": "States"}
        is_field = key not in PLAIN and key not in labels
        field = parse_field(key) if is_field else Field(key)
        declared = self.experiment.declared.get(field.name) if field.head == PARAMS else None
        return Column(
            key=key,
            kind=field.head,
            name=field.name,
            attribute=self._attribute(field),
            label=labels.get(key) or self._label(key),
            href="" if key in NO_FIELDS else self._href(key, field),
            aria_sort={key: "ascending", f"-{key}": "descending"}.get(self._sort, ""),
            numeric=field.head == METRICS
            or key in RIGHT
            or (field.head == PARAMS and (declared is None or declared.type in NUMERIC)),
            is_objective=self._is_objective(field),
        )

    def _is_objective(self, field: Field) -> bool:
        return field.head == METRICS and field.name == self.experiment.objective_metric and not field.part

    @property
    def _sort(self) -> str:
        return self.look.sort or ("set" if self.look.grouped else "number")

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
        return self.look.changed(sort=str(Sort(parse_field(key), descending))).href
