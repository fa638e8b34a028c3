"""One declared parameter, and what its values may be. Pure: no Django, no I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from experiments.search.scalars import Value, number, scalar, shown
from experiments.search.steps import Steps
from mlplatform.kernel.errors import InvalidInput

# "auto" is for code that declares nothing: text that reads as a number or true/false becomes one.
TYPES = ("float", "int", "categorical", "bool", "str", "auto", "constant")
NUMERIC = ("float", "int")
TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True)
class Condition:
    """Holds where the parameter `parent` has one of the values."""

    parent: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Parameter:
    """One declared parameter of a train function. Without a default, and unless it is optional, runs must say it.

    It applies to the sets in which every condition of `when` holds; the others do not have it at all.
    """

    name: str
    type: str
    default: Value | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()
    when: tuple[Condition, ...] = ()
    # Without a value it is left out of the set, and the code knows what to do then.
    optional: bool = False
    help: str = ""

    @property
    def required(self) -> bool:
        """Whether a run must give a value."""
        return self.default is None and not self.optional

    @property
    def steps(self) -> Steps | None:
        """The allowed numbers, if not all between min and max are: counted from min, or from 0 without one."""
        return None if self.step is None else Steps(self.min or 0, self.step)

    def to_json(self) -> dict[str, Any]:
        """Declaration as in experiment.yaml, without what is left at its default."""
        content: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            # By type too: a minimum of 0 is not the same as no minimum, nor a default of False.
            if field.name != "name" and not (type(value) is type(field.default) and value == field.default):
                content[field.name] = value
        if self.choices:
            content["choices"] = list(self.choices)
        if self.when:
            content["when"] = {
                condition.parent: condition.values[0] if len(condition.values) == 1 else [*condition.values]
                for condition in self.when
            }
        return content


def typed_value(parameter: Parameter, value: object) -> Value:
    """The value in the parameter's type, from text if need be. Raises ValueError as `scalars.scalar` does."""
    typed = scalar(_typed(parameter, scalar(value)))
    if parameter.choices and typed not in parameter.choices:
        raise ValueError(f"is {shown(value)}; choose one of {', '.join(map(written, parameter.choices))}")
    if isinstance(typed, bool) or not isinstance(typed, int | float):
        return typed
    if parameter.min is not None and typed < parameter.min:
        raise ValueError(f"is {typed:g}; the smallest allowed value is {parameter.min:g}")
    if parameter.max is not None and typed > parameter.max:
        raise ValueError(f"is {typed:g}; the largest allowed value is {parameter.max:g}")
    return typed if parameter.steps is None else _on_grid(parameter, parameter.steps, typed)


def check_value(parameter: Parameter, value: object) -> Value:
    """Return the value in the parameter's type, from text if need be. Raises InvalidInput(field=name)."""
    try:
        return typed_value(parameter, value)
    except ValueError as error:
        raise wrong(parameter.name, str(error)) from None


def written(value: Value) -> str:
    """A value as people write it: in YAML and forms, true has a small t."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def wrong(name: str, problem: str) -> InvalidInput:
    """The error of a parameter; `problem` is the rest of a sentence that begins with its name."""
    return InvalidInput(f"Parameter {name} {problem}.", field=name)


def _typed(parameter: Parameter, value: Value) -> Value:
    """The value in the parameter's type; ValueError says what is wrong."""
    text = str(value).strip()
    match parameter.type:
        case "bool" | "int" | "float":
            return READ[parameter.type](value)
        case "categorical":
            # Forms send text: find the choice that reads the same.
            return next((choice for choice in parameter.choices if _same(choice, value)), text)
        case "constant":
            return _constant_value(parameter, value)
        case "auto":
            return _guessed(text) if isinstance(value, str) else value
    return text


def _truth(value: Value) -> bool:
    text = str(value).strip().lower()
    if text not in TRUE | FALSE:
        raise ValueError(f"is {shown(value)}; write true or false")
    return text in TRUE


def _integer(value: Value) -> int:
    found = number(value)
    if not found.is_integer():
        raise ValueError(f"is {shown(value)}, which is not a whole number")
    return int(found)


READ: Mapping[str, Callable[[Value], Value]] = {"bool": _truth, "int": _integer, "float": number}


def _constant_value(parameter: Parameter, value: Value) -> Value:
    assert parameter.default is not None
    if not _same(parameter.default, value):
        raise ValueError(f"is {shown(value)}; it is a constant and always {written(parameter.default)}")
    return parameter.default


def _same(choice: Value, value: Value) -> bool:
    return choice == value or written(choice) == written(value).strip()


def _on_grid(parameter: Parameter, steps: Steps, value: float) -> float:
    point = steps.at(steps.index(value))
    high = parameter.max
    if steps.holds(value) and (high is None or point <= high):
        return int(point) if parameter.type == "int" else point
    below = steps.below(value)
    if high is not None and steps.at(below) > high:
        below -= 1
    near = [steps.at(index) for index in (below, below + 1)]
    allowed = " and ".join(f"{point:.12g}" for point in near if high is None or point <= high)
    raise ValueError(
        f"is {value:.12g}; in steps of {steps.step:g} from {steps.first:g} the nearest allowed are {allowed}"
    )


def _guessed(text: str) -> Value:
    """Text of which nobody said what it is: a number or true/false if it reads as one."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
