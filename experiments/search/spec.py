"""How an experiment finds parameter sets: `search` of experiment.yaml, parsed and checked. Pure."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from experiments.search.checks import mapping, only, refused, whole
from experiments.search.conditions import applies, parents_first
from experiments.search.domains import Domain, domain
from experiments.search.parameters import Parameter
from experiments.search.pruner_spec import PrunerSpec
from experiments.search.scalars import INTEGER_LIMIT, SHOWN, Value, shown
from experiments.search.space import ParamSet, assemble, expand_grid
from mlplatform.kernel.errors import InvalidInput

METHODS = ("list", "grid", "random", "tpe", "gp", "cmaes")
MAX_RUNS = 10_000
MAX_REPEAT = 20
# Sets times repeats: so many runs are queued, and canceled, in one transaction.
MAX_TOTAL = 20_000
# What a method needs besides what every portal has: GP's model is written with PyTorch.
PACKAGES = {"gp": ("torch", "scipy")}


@dataclass(frozen=True)
class SearchSpec:
    """How parameter sets are found. `list`: by people. `runs` counts sets, each of which makes `repeat` runs."""

    method: str = "list"
    # None: as many as a grid has.
    runs: int | None = None
    repeat: int = 1
    seed: int = 0
    # In the order of the declaration: PostgreSQL does not keep the order of an object's keys.
    space: Mapping[str, Domain] = field(default_factory=dict)
    pruner: PrunerSpec | None = None

    def to_json(self) -> dict[str, Any]:
        """As in experiment.yaml; empty if people list the sets and nothing else is said."""
        content: dict[str, Any] = {}
        if self.runs is not None:
            content["runs"] = self.runs
        if self.repeat != 1:
            content["repeat"] = self.repeat
        if self.seed:
            content["seed"] = self.seed
        if self.space:
            content["space"] = {name: each.to_json() for name, each in self.space.items()}
        if self.pruner is not None:
            content["pruner"] = self.pruner.to_json()
        return {"method": self.method, **content} if content or self.method != "list" else {}

    @classmethod
    def from_json(cls, content: object, parameters: Mapping[str, Parameter]) -> "SearchSpec":
        """Check and build. Raises InvalidInput whose field is a path such as `search.space.lr.min`."""
        given = mapping(content, "search")
        only(given, ("method", "runs", "repeat", "seed", "space", "pruner"), "search")
        method = given.get("method", "list")
        if method not in METHODS:
            raise refused("search.method", f"is {shown(method)}; choose one of {', '.join(METHODS)}")
        _check_packages(method)
        space = mapping(given.get("space"), "search.space")
        spec = cls(
            method=method,
            runs=whole(given, "runs", None, (1, MAX_RUNS), "search"),
            repeat=whole(given, "repeat", 1, (1, MAX_REPEAT), "search"),
            seed=whole(given, "seed", 0, (0, INTEGER_LIMIT), "search"),
            space=_domains(space, parameters),
            pruner=PrunerSpec.from_json(given.get("pruner")),
        )
        _check_method(spec, parameters)
        _check_total(spec, parameters)
        return spec

    @property
    def searched(self) -> dict[str, Domain]:
        """The domains with something to choose."""
        return {name: each for name, each in self.space.items() if each.count != 1}

    def size(self, parameters: Mapping[str, Parameter]) -> int:
        """How many sets the searcher makes; none where people list them. Enumerates a grid."""
        if self.method != "grid":
            return self.runs or 0
        count = len(self.grid(parameters))
        return count if self.runs is None else min(self.runs, count)

    def draw(self, parameters: Mapping[str, Parameter], choose: Callable[[Domain], Value]) -> ParamSet:
        """A set with a chosen value for every parameter of the space that applies, and defaults for the rest."""

        def value(parameter: Parameter) -> Value | None:
            if parameter.name in self.space:
                return choose(self.space[parameter.name])
            # `from_json` has refused a space in which one that needs a value could apply.
            assert not parameter.required
            return parameter.default

        return assemble(parameters, value)

    def allows(self, parameters: Mapping[str, Parameter], params: Mapping[str, Value]) -> bool:
        """Whether the search could have made this set: one by a person may lie outside."""
        for name, parameter in parameters.items():
            if name not in params:
                if applies(parameter, params) and not parameter.optional:
                    return False
                continue
            if not applies(parameter, params):
                return False
            fits = self.space[name].holds(params[name]) if name in self.space else None
            if not (params[name] == parameter.default if fits is None else fits):
                return False
        return True

    def grid(self, parameters: Mapping[str, Parameter]) -> list[ParamSet]:
        """Every set of a finite space, the last name varying fastest. Raises InvalidInput above MAX_RUNS."""
        values = {name: [p.default] for name, p in parameters.items() if p.default is not None}
        values |= {name: each.values() for name, each in self.space.items()}
        try:
            return expand_grid(values, parameters, limit=MAX_RUNS)
        except InvalidInput as error:
            raise refused("search.space", f"is too large for a grid of at most {MAX_RUNS} sets") from error


def _check_packages(method: str) -> None:
    missing = [name for name in PACKAGES.get(method, ()) if find_spec(name) is None]
    if missing:
        raise refused(
            "search.method",
            f"is {method}, which needs {' and '.join(missing)} on the portal; choose tpe, or have it installed there "
            f"(pip install {' '.join(missing)})",
        )


def _domains(content: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> dict[str, Domain]:
    for name in content:
        if name not in parameters:
            declared = ", ".join(parameters) or "none"
            raise refused(
                f"search.space.{str(name)[:SHOWN]}", f"is no declared parameter; declared are: {declared}"
            )
    return {
        name: domain(parameter, content[name], f"search.space.{name}")
        for name, parameter in parameters.items()
        if name in content
    }


def _check_method(spec: SearchSpec, parameters: Mapping[str, Parameter]) -> None:
    method = spec.method
    if method == "list":
        if spec.space:
            raise refused(
                "search.method", "is list, which has no space; choose random, tpe or another that searches"
            )
        if spec.runs is not None:
            raise refused(
                "search.runs", "is given, but people list the sets; remove it, or choose a search.method"
            )
        return
    _check_required(spec, parameters)
    if method == "grid":
        _check_grid(spec, parameters)
        return
    if spec.runs is None:
        raise refused("search.runs", f"is missing; write how many sets {method} may try")
    if not spec.searched:
        raise refused(
            "search.space", f"has nothing to search; give {method} a range or a list for a parameter"
        )
    if method == "cmaes" and not moved(spec, parameters):
        raise refused(
            "search.space",
            "has no range of numbers that always applies, and CMA-ES moves only those; add one, or choose tpe",
        )


def _check_total(spec: SearchSpec, parameters: Mapping[str, Parameter]) -> None:
    most = spec.runs or math.prod(each.count or 1 for each in spec.space.values())
    # Conditions may make a grid smaller than that.
    if most * spec.repeat > MAX_TOTAL and spec.size(parameters) * spec.repeat > MAX_TOTAL:
        sets = spec.size(parameters)
        raise refused(
            "search.repeat",
            f"is {spec.repeat}, so {sets} sets make {sets * spec.repeat} runs; at most {MAX_TOTAL} fit into an "
            "experiment, so try fewer sets or repeat them less",
        )


def moved(spec: SearchSpec, parameters: Mapping[str, Parameter]) -> dict[str, Domain]:
    """The domains that CMA-ES can work on: ranges of numbers that are in every set."""
    return {name: each for name, each in spec.space.items() if each.is_range and not parameters[name].when}


def _check_required(spec: SearchSpec, parameters: Mapping[str, Parameter]) -> None:
    """A parameter without a default must be in the space, unless no set of the space has it."""
    possible: dict[str, Domain] = {}
    for name in parents_first(parameters):
        parameter = parameters[name]
        if not all(
            c.parent in possible and any(possible[c.parent].holds(value) for value in c.values)
            for c in parameter.when
        ):
            continue
        if name in spec.space:
            possible[name] = spec.space[name]
        elif parameter.default is not None:
            possible[name] = Domain(name, parameter.type, choices=(parameter.default,))
        elif parameter.required:
            raise refused(
                f"search.space.{name}",
                "is missing: the parameter has no default, so write its value or what to try",
            )


def _check_grid(spec: SearchSpec, parameters: Mapping[str, Parameter]) -> None:
    counts = []
    for name, each in spec.space.items():
        if each.count is None:
            raise refused(
                f"search.space.{name}",
                "is a range of any number, which a grid cannot list; add a step or list values",
            )
        if each.count > MAX_RUNS:
            raise refused(
                f"search.space.{name}",
                f"has {each.count} values; a grid takes at most {MAX_RUNS}, so list fewer",
            )
        counts.append(each.count)
    if math.prod(counts) > MAX_RUNS:
        # Conditions may make it smaller than that.
        spec.grid(parameters)
