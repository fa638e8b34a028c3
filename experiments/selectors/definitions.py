"""What an existing experiment is, to be written down or to make another one like it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from experiments.definition import Definition
from experiments.manifest import Manifest
from experiments.models import Experiment
from experiments.search.domains import domain
from experiments.search.registry import proposes
from experiments.search.space import ParamSet
from mlplatform.kernel.errors import InvalidInput


def definition_of(experiment: Experiment) -> tuple[Definition, list[ParamSet]]:
    """The definition, and the sets that people listed where nothing searches. A list that is a grid becomes one."""
    definition = Definition.of_experiment(experiment)
    if proposes(definition.search):
        return definition, []
    first = experiment.runs.filter(searched=False, parent=None, repeat=1)
    listed = list(first.order_by("number").values_list("params", flat=True))
    values: dict[str, list[Any]] = {}
    for params in listed:
        for name, value in params.items():
            if value not in values.setdefault(name, []):
                values[name].append(value)
    if math.prod(map(len, values.values())) != len(listed):
        return definition, listed
    return replace(definition, search={**definition.search, "method": "grid", "space": values}), []


def definition_for(
    code: Manifest, definition: Definition, sets: Sequence[ParamSet]
) -> tuple[Definition, list[ParamSet]]:
    """The same for other code: without what this does not declare, or declares so that it does not fit any more."""
    space = definition.search.get("space") or {}
    fitting = {name: entry for name, entry in space.items() if _fits(code, {name: entry})}
    left = [{name: value for name, value in params.items() if name in code.parameters} for params in sets]
    search = {**definition.search, "space": fitting} if space else definition.search
    return replace(definition, search=search), [params for params in left if _fits(code, params)]


def _fits(code: Manifest, entries: Mapping[str, Any]) -> bool:
    try:
        for name, entry in entries.items():
            if name not in code.parameters:
                return False
            domain(code.parameters[name], entry, name)
    except InvalidInput:
        return False
    return True


def experiment_yaml(experiment: Experiment) -> str:
    """experiment.yaml that, beside the same code, proposes this experiment."""
    code = Manifest.from_json({"parameters": experiment.parameters, "progress": experiment.progress})
    definition, sets = definition_of(experiment)
    return definition.manifest(code, sets).to_yaml()
