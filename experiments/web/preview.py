"""What an experiment would do, as the page shows it before launch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.search.parameters import Parameter
from experiments.services.preview import Preview
from experiments.web.words import counted


@dataclass(frozen=True)
class PreviewShown:
    """`shared` are the parameters that are the same in every set that is shown; the table has the others."""

    headline: str
    preview: Preview
    names: list[str]
    shared: list[tuple[str, Any]]
    rows: list[list[Any]]
    left: int


def preview_shown(preview: Preview, parameters: Mapping[str, Parameter], repeat: int) -> PreviewShown:
    """Counts in words, and the first sets as a table of what differs."""
    used = [name for name in parameters if any(name in params for params in preview.first)]
    columns = {name: [params.get(name) for params in preview.first] for name in used}
    many = len(preview.first) > 1
    varying = [name for name in used if not many or any(value != columns[name][0] for value in columns[name])]
    return PreviewShown(
        headline=_headline(preview, repeat),
        preview=preview,
        names=varying,
        shared=[(name, columns[name][0]) for name in used if name not in varying],
        rows=[[params.get(name) for name in varying] for params in preview.first],
        left=preview.sets - len(preview.first),
    )


def _headline(preview: Preview, repeat: int) -> str:
    runs = counted(preview.runs, "run")
    return f"{counted(preview.sets, 'set')} × {repeat} seeds = {runs}" if repeat > 1 else runs
