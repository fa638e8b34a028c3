"""Parameter sets made of declared parameters. Pure: no Django, no I/O."""

from collections.abc import Callable, Mapping, Sequence

from experiments.search.conditions import applies, in_words, parents_first
from experiments.search.parameters import Parameter, check_value, wrong
from experiments.search.scalars import SHOWN, Value
from mlplatform.kernel.errors import InvalidInput

MAX_SETS = 1000

ParamSet = dict[str, Value]


def parse_values(parameter: Parameter, text: str) -> list[Value]:
    """Checked values of a comma-separated text, in order, without repeats; the default for an empty text.

    Nothing for one that is optional.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        if parameter.required:
            raise wrong(parameter.name, "has no default, so it needs a value")
        return [] if parameter.default is None else [parameter.default]
    return list(dict.fromkeys(check_value(parameter, part) for part in parts))


def complete(parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> ParamSet:
    """One full parameter set: given values checked, the rest from defaults. Raises InvalidInput.

    Parameters that do not apply are left out; giving one is an error (`applicable` drops them first).
    """
    unknown = sorted(set(given) - set(parameters))
    if unknown:
        declared = ", ".join(parameters) or "none"
        name = unknown[0][:SHOWN].encode("utf-8", "replace").decode()
        raise InvalidInput(f"There is no parameter {name}; declared are: {declared}.", field=name)

    def choose(parameter: Parameter) -> Value | None:
        if parameter.name in given:
            return check_value(parameter, given[parameter.name])
        if parameter.required:
            raise wrong(parameter.name, "has no default, so it needs a value")
        return parameter.default

    chosen = assemble(parameters, choose)
    for name in given:
        if name not in chosen:
            words = in_words(parameters[name])
            raise wrong(name, f"applies only when {words}; leave it out of this set")
    return chosen


def assemble(parameters: Mapping[str, Parameter], choose: Callable[[Parameter], Value | None]) -> ParamSet:
    """The set in which every parameter that applies has the value that `choose` gives, if any, in declared order."""
    chosen: ParamSet = {}
    for name in parents_first(parameters):
        if applies(parameters[name], chosen) and (value := choose(parameters[name])) is not None:
            chosen[name] = value
    return {name: chosen[name] for name in parameters if name in chosen}


def applicable(parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> dict[str, object]:
    """What of the given values applies, for callers that always send everything. Raises InvalidInput."""
    known = {name: value for name, value in given.items() if name in parameters}
    kept: ParamSet = {}
    for name in parents_first(parameters):
        parameter = parameters[name]
        if not applies(parameter, kept):
            known.pop(name, None)
        elif name in known:
            kept[name] = check_value(parameter, known[name])
        elif parameter.default is not None:
            kept[name] = parameter.default
    return {name: value for name, value in given.items() if name in known or name not in parameters}


def expand_grid(
    values: Mapping[str, Sequence[Value]], parameters: Mapping[str, Parameter], *, limit: int = MAX_SETS
) -> list[ParamSet]:
    """Every different combination of the values, the last name varying fastest. Raises InvalidInput above the limit.

    `values` names declared parameters; what does not apply to a combination, or has no value, is left out of it.
    """
    order = parents_first({name: parameters[name] for name in parameters if values.get(name)})
    sets: list[ParamSet] = [{}]
    for name in order:
        takes = [applies(parameters[name], chosen) for chosen in sets]
        count = sum(len(values[name]) if taken else 1 for taken in takes)
        if count > limit:
            least = "" if name == order[-1] else "at least "
            raise InvalidInput(
                f"These values make {least}{count} runs; at most {limit} can be added at a time."
            )
        sets = [
            each
            for chosen, taken in zip(sets, takes, strict=True)
            for each in ([{**chosen, name: value} for value in values[name]] if taken else [chosen])
        ]
    return [{name: chosen[name] for name in parameters if name in chosen} for chosen in sets]
