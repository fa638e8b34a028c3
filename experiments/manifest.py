"""What training code declares about itself: experiment.yaml, parsed and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments import yaml_file
from experiments.search.budget import Budget
from experiments.search.checks import whole
from experiments.search.conditions import declare_all
from experiments.search.parameters import Parameter
from experiments.search.scalars import exact, number, scalar, shown
from experiments.search.space import MAX_SETS, ParamSet, complete
from experiments.search.spec import SearchSpec
from mlplatform.kernel.errors import InvalidInput
from mlplatform.kernel.text import known_instead

FILE_NAME = "experiment.yaml"
KEYS = {
    "name", "description", "entrypoint", "objective", "progress", "resources", "parameters", "search", "budget",
    "checkpoints", "runs", "fresh_process", "priority",
}  # fmt: skip
RESOURCES = {"workers", "cpus_per_worker", "gpus_per_worker", "memory_per_worker"}
PRIORITIES = ("low", "normal", "high")
# Smallest values: without its newest checkpoint a run could not go on after a fault.
CHECKPOINTS = {"keep_last": 1, "keep_best": 0, "keep_every": 0}
MOST_KEPT = 1_000_000


@dataclass(frozen=True)
class Manifest:
    """Defaults for an experiment on this code. Nothing here is binding: the form can change all but parameters."""

    name: str
    entrypoint: str
    description: str = ""
    objective_metric: str = ""
    objective_direction: str = "maximize"
    progress: str = ""
    workers: int = 1
    cpus_per_worker: float = 1
    gpus_per_worker: float = 0
    # GiB; 0 claims none.
    memory_per_worker: float = 0
    # Which checkpoints of a run stay: the newest, the best, and each whose step is a multiple (0: none).
    keep_last: int = 1
    keep_best: int = 1
    keep_every: int = 0
    parameters: dict[str, Parameter] = field(default_factory=dict)
    search: SearchSpec = field(default_factory=SearchSpec)
    budget: Budget = field(default_factory=Budget)
    # Sets that are tried as they are, before what the search makes.
    runs: tuple[ParamSet, ...] = ()
    # New processes for every run.
    fresh_process: bool = False
    priority: str = "normal"

    def to_json(self) -> dict[str, Any]:
        """In the shape of experiment.yaml."""
        return {
            "name": self.name,
            "description": self.description,
            "entrypoint": self.entrypoint,
            "objective": {"metric": self.objective_metric, "direction": self.objective_direction},
            "progress": self.progress,
            "resources": {name: getattr(self, name) for name in sorted(RESOURCES)},
            # A list: PostgreSQL does not keep the order of an object's keys.
            "parameters": [
                {"name": name, **parameter.to_json()} for name, parameter in self.parameters.items()
            ],
            "search": self.search.to_json(),
            "budget": self.budget.to_json(),
            "runs": list(self.runs),
            "fresh_process": self.fresh_process,
            "priority": self.priority,
            "checkpoints": {name: getattr(self, name) for name in CHECKPOINTS},
        }

    def to_yaml(self) -> str:
        """experiment.yaml that `from_yaml` reads as this, without what goes without saying."""
        content = self.to_json()
        content["parameters"] = {
            name: {
                key: exact(value) if key in ("min", "max", "step") else value for key, value in each.items()
            }
            for name, each in _parameters(content).items()
        }
        for section in ("resources", "budget"):
            content[section] = {name: exact(value) for name, value in content[section].items()}
        if all(value == getattr(Manifest, name) for name, value in content["checkpoints"].items()):
            del content["checkpoints"]
        if content["priority"] == Manifest.priority:
            del content["priority"]
        return yaml_file.write({name: value for name, value in content.items() if value})

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Manifest":
        """Check and build. Raises InvalidInput(field="code", path=…) naming the key, its value and the remedy."""
        _only(content, KEYS, FILE_NAME)
        objective = _mapping(content, "objective")
        _only(objective, {"metric", "direction"}, "objective")
        resources = _mapping(content, "resources")
        _only(resources, RESOURCES, "resources")
        direction = _text(objective, "direction", 10) or "maximize"
        if direction not in ("maximize", "minimize"):
            raise _bad(
                f"objective.direction is {direction!r}; write maximize or minimize", "objective.direction"
            )
        parameters = _declared(content)
        progress = _text(content, "progress", 100)
        if progress and not progress.isdecimal() and progress not in parameters:
            raise _bad(
                f"progress is {progress!r}, which is neither a number nor a declared parameter", "progress"
            )
        return cls(
            name=_text(content, "name", 100) or "experiment",
            description=_text(content, "description", 2000),
            entrypoint=_text(content, "entrypoint", 200),
            objective_metric=_text(objective, "metric", 200),
            objective_direction=direction,
            progress=progress,
            workers=int(_number(resources, "workers", 1)),
            cpus_per_worker=_number(resources, "cpus_per_worker", 1),
            gpus_per_worker=_number(resources, "gpus_per_worker", 0),
            memory_per_worker=_number(resources, "memory_per_worker", 0),
            parameters=parameters,
            runs=_sets(content.get("runs"), parameters),
            fresh_process=_flag(content, "fresh_process"),
            priority=_priority(content),
            **_checked(content, parameters),
        )

    @classmethod
    def from_yaml(cls, text: str, code: "Manifest | None" = None) -> "Manifest":
        """Parse experiment.yaml. Raises InvalidInput(field="code"), with the line of the key that is wrong.

        What is left out of name, entrypoint and parameters comes from `code`.
        """
        try:
            content = yaml_file.read(text)
        except ValueError as error:
            raise _bad(str(error)) from error
        if not isinstance(content, dict):
            raise _bad("it must be a mapping with keys such as entrypoint and parameters")
        own = code.to_json() if code else {}
        content = {name: own[name] for name in ("name", "entrypoint", "parameters") if own} | content
        try:
            return cls.from_json(content)
        except InvalidInput as error:
            raise at_line(error, text) from error


def at_line(error: InvalidInput, text: str) -> InvalidInput:
    """The error with the line of its key in this text of experiment.yaml, if it is about one that is there."""
    path = error.details.get("path")
    line = yaml_file.line_of(text, path) if path else None
    if line is None:
        return error
    problem = error.message.removeprefix(f"{FILE_NAME}: ")
    return InvalidInput(f"{FILE_NAME}, line {line}: {problem}", field=error.field, path=path)


def reports_expected(progress: str, params: Mapping[str, Any]) -> int | None:
    """How many reports make a run with these parameters complete; `progress` names one of them or is a number."""
    value = params.get(progress, progress)
    try:
        return max(1, int(value)) if value else None
    except (TypeError, ValueError):
        return None


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key) or {}
    if not isinstance(value, Mapping):
        raise _bad(f"{key} is {shown(value)}; it must be a mapping", key)
    return value


def _text(content: Mapping[str, Any], key: str, limit: int) -> str:
    value = content.get(key)
    if value is None:
        return ""
    try:
        text = (
            str(scalar(value)).strip() if key != "description" or not isinstance(value, str) else _long(value)
        )
    except ValueError as error:
        raise _bad(f"{key} {error}", key) from None
    if len(text) > limit:
        raise _bad(f"{key} has {len(text)} characters; at most {limit} fit", key)
    return text


def _long(value: str) -> str:
    """A text over several lines: `scalar` line by line."""
    return "\n".join(str(scalar(line)) for line in value.strip().splitlines())


def _declared(content: Mapping[str, Any]) -> dict[str, Parameter]:
    try:
        return declare_all({str(scalar(name)): value for name, value in _parameters(content).items()})
    except InvalidInput as error:
        raise _bad(error.message.rstrip("."), f"parameters.{error.field}") from error
    except ValueError as error:
        raise _bad(f"the name of a parameter {error}", "parameters") from None


def _checked(content: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """`search`, `budget` and `checkpoints`, each by its own validator."""
    checkpoints = _mapping(content, "checkpoints")
    _only(checkpoints, set(CHECKPOINTS), "checkpoints")
    try:
        return {
            "search": SearchSpec.from_json(content.get("search"), parameters),
            "budget": Budget.from_json(content.get("budget")),
            **{
                name: whole(checkpoints, name, getattr(Manifest, name), (least, MOST_KEPT), "checkpoints")
                for name, least in CHECKPOINTS.items()
            },
        }
    except InvalidInput as error:
        raise _bad(error.message.rstrip("."), error.field) from error


def _sets(value: Any, parameters: Mapping[str, Parameter]) -> tuple[ParamSet, ...]:
    """The list of sets under `runs`, each completed by the defaults."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise _bad(
            f"runs is {shown(value)}; write a list of sets such as [{{lr: 0.1}}, {{lr: 0.01}}]", "runs"
        )
    if len(value) > MAX_SETS:
        raise _bad(f"runs lists {len(value)} sets; at most {MAX_SETS} fit", "runs")
    sets = []
    for position, given in enumerate(value, 1):
        try:
            sets.append(complete(parameters, {str(name): each for name, each in given.items()}))
        except InvalidInput as error:
            path = f"runs.{position - 1}.{error.field}"
            raise _bad(f"in set {position} of runs: {error.message.rstrip('.')}", path) from error
    return tuple(sets)


def _flag(content: Mapping[str, Any], key: str) -> bool:
    value = content.get(key)
    if value is not None and not isinstance(value, bool):
        raise _bad(f"{key} is {shown(value)}; write true or false", key)
    return bool(value)


def _priority(content: Mapping[str, Any]) -> str:
    value = _text(content, "priority", 10) or Manifest.priority
    if value not in PRIORITIES:
        raise _bad(
            f"priority is {value!r}; write {', '.join(PRIORITIES[:-1])} or {PRIORITIES[-1]}", "priority"
        )
    return value


def _parameters(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """By name: a mapping as people write it, or the list that `to_json` makes of it."""
    value = content.get("parameters")
    if not isinstance(value, list):
        return _mapping(content, "parameters")
    if not all(isinstance(item, Mapping) and item.get("name") for item in value):
        raise _bad("parameters is a list in which something has no name", "parameters")
    return {item["name"]: {key: item[key] for key in item if key != "name"} for item in value}


def _number(content: Mapping[str, Any], key: str, default: float) -> float:
    try:
        value = number(content.get(key, default))
    except ValueError as error:
        raise _bad(f"resources.{key} {error}", f"resources.{key}") from None
    if value < 0:
        raise _bad(f"resources.{key} is {value:g}; it must not be negative", f"resources.{key}")
    return value


def _only(content: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(str(key) for key in set(content) - known)
    if unknown:
        raise _bad(
            f"{where} has the unknown key {', '.join(unknown)}; {known_instead(unknown[0], sorted(known))}",
            unknown[0] if where == FILE_NAME else f"{where}.{unknown[0]}",
        )


def _bad(problem: str, path: str | None = None) -> InvalidInput:
    details = {"path": path} if path else {}
    return InvalidInput(f"{FILE_NAME}: {problem}.", field="code", **details)
