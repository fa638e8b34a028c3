"""What an experiment is besides its code: one shape and one check for the form, the API, experiment.yaml and clones."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from experiments.manifest import (
    CHECKPOINTS,
    FILE_NAME,
    PRIORITIES,
    RESOURCES,
    Manifest,
    at_line,
    reports_expected,
)
from experiments.models.experiment import Direction
from experiments.search.budget import KEYS as BUDGET
from experiments.search.budget import MAX_RETRIES, Budget
from experiments.search.registry import is_adaptive, pruner_for
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec
from mlplatform.kernel.errors import InvalidInput
from runners.registry import backend_get

if TYPE_CHECKING:
    from experiments.models import Experiment

MAX_NAME = 100
# Field -> least and greatest value.
LIMITS = {
    "workers": (1, 64),
    "cpus_per_worker": (0.1, 1024),
    "gpus_per_worker": (0, 64),
    "memory_per_worker": (0, 16384),
    "max_parallel": (1, 64),
    "max_retries": (0, MAX_RETRIES),
    "max_hours": (0.001, 24 * 365),
    "keep_last": (1, 1000),
    "keep_best": (0, 1000),
    "keep_every": (0, 1_000_000),
}
# How experiment.yaml groups the fields: section -> its key -> field.
SECTIONS = {
    "objective": {"metric": "objective_metric", "direction": "objective_direction"},
    "resources": {name: name for name in sorted(RESOURCES)},
    "budget": {name: name for name in BUDGET},
    "checkpoints": {name: name for name in CHECKPOINTS},
}
# Limits, which None takes away.
CLEARABLE = ("max_hours", "target")
HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Definition:
    """Memory in GiB; `search` in the shape of experiment.yaml, empty if people list the runs."""

    name: str
    entrypoint: str
    description: str = ""
    objective_metric: str = ""
    objective_direction: str = "maximize"
    workers: int = 1
    cpus_per_worker: float = 1
    gpus_per_worker: float = 0
    memory_per_worker: float = 0
    max_parallel: int = 1
    max_retries: int = 0
    max_hours: float | None = None
    target: float | None = None
    keep_last: int = 1
    keep_best: int = 1
    keep_every: int = 0
    fresh_process: bool = False
    priority: str = "normal"
    search: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_manifest(cls, manifest: Manifest) -> "Definition":
        """What the code proposes."""
        names = {f.name for f in fields(cls)} & {f.name for f in fields(manifest)} - {"search"}
        budget = manifest.budget
        return cls(
            **{name: getattr(manifest, name) for name in names},
            search=manifest.search.to_json(),
            max_parallel=budget.max_parallel or 1,
            max_retries=budget.max_retries or 0,
            max_hours=budget.max_seconds / HOUR if budget.max_seconds else None,
            target=budget.target,
        )

    @classmethod
    def of_experiment(cls, experiment: "Experiment") -> "Definition":
        """What an existing experiment is, to make another one like it."""
        names = {f.name for f in fields(cls)} - {"max_hours"}
        hours = experiment.max_seconds / HOUR if experiment.max_seconds else None
        return cls(**{name: getattr(experiment, name) for name in names}, max_hours=hours)

    def manifest(self, code: Manifest, sets: Sequence[ParamSet] = ()) -> Manifest:
        """As the manifest of this code with this definition and these sets, to be written as experiment.yaml.

        Raises InvalidInput for a search that makes no sense.
        """
        names = {f.name for f in fields(self)} & {f.name for f in fields(code)} - {"search"}
        return replace(
            code,
            **{name: getattr(self, name) for name in names},
            search=SearchSpec.from_json(self.search, code.parameters),
            budget=Budget.from_json({name: getattr(self, name) for name in BUDGET}),
            runs=tuple(sets),
        )

    def changed(self, given: Mapping[str, Any]) -> "Definition":
        """With the given fields instead of its own; what is None or empty in `given` stays, but for limits."""
        changes = {
            name: value for name, value in given.items() if value not in (None, "") or name in CLEARABLE
        }
        return replace(self, **changes)

    def columns(self) -> dict[str, Any]:
        """As fields of the Experiment model."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        hours = values.pop("max_hours")
        return values | {"max_seconds": None if hours is None else hours * HOUR}


def read_yaml(text: str, code: Manifest) -> tuple[Definition, list[ParamSet]]:
    """The definition and the listed sets that a text in the shape of experiment.yaml gives an experiment on this code.

    What only the code can say may be left out, and cannot be changed. Raises InvalidInput(field="code"), with the line.
    """
    given = Manifest.from_yaml(text, code)
    _check_unchanged("parameters", given.parameters, code.parameters, text)
    _check_unchanged("progress", given.progress or code.progress, code.progress, text)
    return Definition.of_manifest(given), list(given.runs)


def _check_unchanged(name: str, given: Any, own: Any, text: str) -> None:
    if given == own:
        return
    path = name
    if isinstance(own, Mapping):
        differing = [each for each in {**own, **given} if own.get(each) != given.get(each)]
        # Without any it is their order, which nothing goes by.
        if not differing:
            return
        path = f"{name}.{differing[0]}"
    raise at_line(
        InvalidInput(
            f"{FILE_NAME}: {path} is not as the code declares it, which a form cannot change. Leave it as it was, or "
            "upload the code with this file beside it.",
            field="code",
            path=path,
        ),
        text,
    )


def check(definition: Definition, manifest: Manifest, backend: str) -> tuple[Definition, SearchSpec | None]:
    """The definition in its normal form, and its search. Raises InvalidInput with the field for anything wrong."""
    name = definition.name.strip()
    if not name or len(name) > MAX_NAME:
        raise InvalidInput(f"An experiment needs a name of at most {MAX_NAME} characters.", field="name")
    if definition.objective_direction not in Direction.values:
        raise InvalidInput(
            f"The direction is {definition.objective_direction!r}; choose maximize or minimize.",
            field="objective_direction",
        )
    check_priority(definition.priority)
    metric = definition.objective_metric.strip()
    for limited in LIMITS:
        check_limit(limited, getattr(definition, limited))
    if definition.target is not None and not metric:
        raise InvalidInput(
            "A target needs a metric that decides; name the metric or leave the target out.", field="target"
        )
    check_room(definition, backend)
    search = None
    if definition.search:
        search = SearchSpec.from_json(definition.search, manifest.parameters)
        _check_objective(search, metric)
        # Refuses a pruner that has to know how long a run is where nobody says it.
        pruner_for(
            search.pruner,
            direction=definition.objective_direction,
            max_steps=run_steps(manifest, search),
        )
    normal = replace(
        definition,
        name=name,
        entrypoint=definition.entrypoint.strip() or manifest.entrypoint,
        objective_metric=metric,
        search=search.to_json() if search else {},
    )
    return normal, search


def run_steps(manifest: Manifest, search: SearchSpec | None) -> int | None:
    """How many reports a whole run makes, the longest if the search varies it; None if the code does not say."""
    name, space = manifest.progress, search.space if search else {}
    if name in space:
        values: Sequence[Any] = [space[name].max] if space[name].is_range else space[name].choices
    else:
        values = [manifest.parameters[name].default if name in manifest.parameters else name]
    known = [steps for value in values if (steps := reports_expected(name, {name: value})) is not None]
    return max(known, default=None)


def check_limit(name: str, value: Any) -> None:
    """Raise InvalidInput for a value outside of LIMITS; None is no limit."""
    low, high = LIMITS[name]
    if value is not None and not low <= value <= high:
        words = name.replace("_", " ")
        raise InvalidInput(
            f"The value of {words} is {str(value)[:40]}; it must be between {low:g} and {high:g}.", field=name
        )


def check_priority(priority: Any) -> None:
    """Raise InvalidInput for a word that is none of PRIORITIES."""
    if priority not in PRIORITIES:
        raise InvalidInput(
            f"The priority is {str(priority)[:40]!r}; choose {', '.join(PRIORITIES[:-1])} or {PRIORITIES[-1]}.",
            field="priority",
        )


def check_room(definition: Definition, backend: str) -> None:
    """Refuse what could never start at the backend, however long it waits."""
    room = backend_get(backend)
    for what, name, there in (
        ("CPUs", "cpus_per_worker", room.cpus),
        ("GPUs", "gpus_per_worker", room.gpus),
        # A backend that does not count memory has 0.
        ("GiB of memory", "memory_per_worker", room.memory or math.inf),
    ):
        wanted = definition.workers * getattr(definition, name)
        if wanted > there:
            raise InvalidInput(
                f"{definition.workers} workers need {wanted:g} {what} together, but the backend {backend} has "
                f"{there:g}, so this could never start. Use fewer or smaller workers.",
                field=name,
            )


def _check_objective(search: SearchSpec, metric: str) -> None:
    """Searchers that learn and pruners that judge need to know what is good."""
    needs = search.method if is_adaptive(search.method) else search.pruner and search.pruner.method
    if needs and not metric:
        raise InvalidInput(
            f"{needs} needs a metric that decides; name the metric that your code reports.",
            field="objective_metric",
        )
