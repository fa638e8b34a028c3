"""What can be written into the query above the runs: its fields, their operators, and values that are known."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.models import Experiment, Run
from experiments.query.check import OPERATORS, kind_of
from experiments.query.parser import PLAIN
from experiments.query.tree import BARE, METRICS, PARAMS, TAGS, WORDS, Field, quoted
from experiments.selectors.tables import RunSpace
from experiments.states import RunState

# Of a field, and of tags.
MAX_KNOWN = 50
SPANS = ("10m", "1h", "1d")
AGES = ("-1h", "-1d", "-7d")


@dataclass(frozen=True)
class QueryField:
    """A field as one writes it; `operators` stand with spaces between them, `values` are a list in JSON."""

    name: str
    operators: str
    values: str


def query_fields(experiment: Experiment, space: RunSpace, runs: Sequence[Run]) -> list[QueryField]:
    """The fields of an experiment's runs; tags and causes are those of some runs. No query."""
    known: dict[Field, Iterable[Any]] = {
        Field("state"): RunState.values,
        Field("cause"): sorted({run.cause_code for run in runs} - {""}),
        Field("duration"): SPANS,
        **{Field(name): AGES for name in ("created", "started", "ended")},
    }
    for name, declared in experiment.declared.items():
        known[Field(PARAMS, name)] = (True, False) if declared.type == "bool" else declared.choices
    tags: dict[str, set[str]] = {}
    for run in runs:
        for name, value in run.tags.items():
            tags.setdefault(name, set()).add(value)
    tagged = {Field(TAGS, name): sorted(found) for name, found in sorted(tags.items())[:MAX_KNOWN]}
    named = [Field(head, one.name) for head, names in _named(space) for one in names]
    fields = [*map(Field, PLAIN), *named, *tagged]
    return [_field(field, (known | tagged).get(field, ())) for field in fields]


def _field(field: Field, values: Iterable[Any]) -> QueryField:
    written = [_written(value) for value in values][:MAX_KNOWN]
    return QueryField(str(field), " ".join(OPERATORS[kind_of(field)]), json.dumps(written))


def _named(space: RunSpace) -> list[tuple[str, Sequence[Any]]]:
    return [(METRICS, space.metrics), (PARAMS, space.params)]


def _written(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if BARE.fullmatch(text) and text.lower() not in WORDS else quoted(text)
