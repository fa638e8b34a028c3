"""Some runs of one project beside each other: metrics, parameters, and what they ran on."""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.models import Project
from experiments.models import Attempt, Run, RunMetric
from experiments.selectors.runs import RunRow
from experiments.selectors.tables import rows_of
from experiments.system_metrics import PREFIX as SYSTEM
from mlplatform.kernel.errors import NotFound
from runners.selectors.allocations import allocations_packages

# More are not read: code that makes up names may have thousands.
MAX_METRICS = 100
FIELDS = ("last", "min", "max")
# Parts of names that tell which end is better, where no objective does.
LOWER = re.compile(r"\b(loss|losses|errors?|err|mse|mae|rmse|nll|perplexity|ppl|wer|cer|fid)\b")
HIGHER = re.compile(
    r"\b(accuracy|acc|f1|auc|auroc|precision|recall|scores?|iou|dice|r2|bleu|rewards?|psnr)\b"
)
# Of what workers tell, which says nothing about the code's result.
PASSING = ("pid",)
# Always shown; others where they differ.
MAIN = ("python", "torch", "ray")


@dataclass(frozen=True)
class Cell:
    """A value of one run; `mark` says in a word what is special about it."""

    value: float | None
    step: int | None
    mark: str = ""


@dataclass(frozen=True)
class MetricLines:
    """One metric: for each of FIELDS a cell per run."""

    name: str
    is_objective: bool
    lines: list[tuple[str, list[Cell]]]


@dataclass(frozen=True)
class ValueLine:
    """A parameter, or something about the machines: a value per run, None where a run has none."""

    name: str
    values: list[Any]

    @property
    def differs(self) -> bool:
        """Whether not all runs have the same."""
        return len({json.dumps(value, sort_keys=True, default=str) for value in self.values}) > 1


@dataclass(frozen=True)
class Environments:
    """What the runs' newest attempts ran on. `same` counts packages of one version everywhere."""

    lines: list[ValueLine]
    packages: list[ValueLine]
    same: int
    # Whether any worker has told.
    is_known: bool


def runs_compared(project: Project, ids: Sequence[UUID]) -> list[RunRow]:
    """The runs in this order, with summaries of the first MAX_METRICS metrics. Three queries. Raises NotFound."""
    rows = rows_of(ids, names_of(ids)[:MAX_METRICS])
    found = {row.run.pk for row in rows if row.run.experiment.project_id == project.pk}
    if missing := next((pk for pk in ids if pk not in found), None):
        raise NotFound(f"{project.name} has no run {missing}. Runs of one project can be compared.")
    return rows


def names_of(ids: Sequence[UUID]) -> list[str]:
    """Metrics that any of the runs has, those that are an objective first. One query."""
    rows = RunMetric.objects.filter(run__in=ids).exclude(name__startswith=SYSTEM).order_by("name")
    pairs = rows.values_list("name", "experiment__objective_metric").distinct()
    decide = {name: False for name, _ in pairs} | {name: True for name, metric in pairs if name == metric}
    return sorted(decide, key=lambda name: (not decide[name], name))


def metric_lines(rows: Sequence[RunRow]) -> list[MetricLines]:
    """A group of lines per metric, in the order of `names_of`. No query."""
    objectives = {row.run.experiment.objective_metric for row in rows}
    names = {name for row in rows for name in row.metrics}
    return [
        MetricLines(name, name in objectives, _lines(rows, name))
        for name in sorted(names, key=lambda name: (name not in objectives, name))
    ]


def param_lines(runs: Sequence[Run]) -> list[ValueLine]:
    """A line per parameter in the order of their declarations. No query."""
    names = dict.fromkeys(name for run in runs for name, _ in run.listed_params)
    names |= dict.fromkeys(name for run in runs for name in sorted(run.params))
    return [ValueLine(name, [run.params.get(name) for run in runs]) for name in names]


def environments(runs: Sequence[Run]) -> Environments:
    """Of the newest attempt of each run. Two queries."""
    newest = Attempt.objects.filter(run__in=runs).order_by("run_id", "-number").distinct("run_id")
    attempts = {attempt.run_id: attempt for attempt in newest}
    found = [attempts[run.pk].environment if run.pk in attempts else {} for run in runs]
    keys = dict.fromkeys([*MAIN, *sorted(key for told in found for key in told if key not in PASSING)])
    lines = [ValueLine(key, [told.get(key) for told in found]) for key in keys]
    told = allocations_packages({attempt.allocation_id for attempt in attempts.values()})
    installed = [
        _versions(told[attempts[run.pk].allocation_id]) if run.pk in attempts else {} for run in runs
    ]
    # Who has told nothing of packages says nothing about a difference.
    known = [each for each in installed if each]
    names = sorted({name for each in known for name in each})
    packages = [ValueLine(name, [each.get(name) for each in installed]) for name in names]
    differing = [line for line in packages if len({each.get(line.name) for each in known}) > 1]
    return Environments(
        lines=[line for line in lines if line.name in MAIN or line.differs],
        packages=differing,
        same=len(packages) - len(differing),
        is_known=any(found) or bool(known),
    )


def _versions(lines: Sequence[str]) -> dict[str, str]:
    """Of lines such as name==version, or name @ place."""
    pairs = (re.split(r"==| @ ", line, maxsplit=1) for line in lines)
    return {name: rest[0] if rest else "" for name, *rest in pairs}


def _lines(rows: Sequence[RunRow], name: str) -> list[tuple[str, list[Cell]]]:
    metrics = [row.metrics.get(name) for row in rows]
    better = _better(rows, name)
    made = []
    for field in FIELDS:
        values = [getattr(metric, field) if metric else None for metric in metrics]
        steps = [getattr(metric, f"{field}_step") if metric else None for metric in metrics]
        marks = _marks(values, _choices(field, better))
        made.append((field, [Cell(*cell) for cell in zip(values, steps, marks, strict=True)]))
    return made


def _choices(field: str, better: str) -> list[tuple[str, Callable[[list[float]], float]]]:
    """Which words to give to which values of a line. Without a better end both ends are named."""
    ends: dict[str, Callable[[list[float]], float]] = {"min": min, "max": max}
    if better:
        return [("best", ends[better])] if field == better else []
    return [("lowest", min), ("highest", max)] if field == "last" else []


def _marks(
    values: Sequence[float | None], choices: Sequence[tuple[str, Callable[[list[float]], float]]]
) -> list[str]:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if len(set(finite)) < 2:
        return [""] * len(values)
    marked = {end(finite): word for word, end in choices}
    return [marked.get(value, "") if value is not None else "" for value in values]


def _better(rows: Sequence[RunRow], name: str) -> str:
    """The field that counts: as an objective says, else as the name does; empty if neither or both ways."""
    fields = {
        row.run.experiment.objective_field for row in rows if row.run.experiment.objective_metric == name
    }
    if fields:
        return fields.pop() if len(fields) == 1 else ""
    words = re.sub(r"[^a-z0-9]+", " ", name.lower())
    lower, higher = bool(LOWER.search(words)), bool(HIGHER.search(words))
    return "" if lower == higher else "min" if lower else "max"
