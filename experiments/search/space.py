"""Declared parameters and the parameter sets made of them. Pure: no Django, no I/O."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from experiments.search.scalars import SHOWN, Value, number, scalar, shown
from mlplatform.kernel.errors import InvalidInput

# "auto" is for code that declares nothing: text that reads as a number or true/false becomes one.
TYPES = ("float", "int", "categorical", "bool", "str", "auto")
MAX_SETS = 1000
TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})

ParamSet = dict[str, Value]


@dataclass(frozen=True)
class Parameter:
    """One declared parameter of a train function. `default` None means that every run must say it."""

    name: str
    type: str
    default: Value | None = None
    min: float | None = None
    max: float | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()
    help: str = ""

    @property
    def required(self) -> bool:
        """Whether a run must give a value."""
        return self.default is None

    def to_json(self) -> dict[str, Any]:
        """Declaration as in experiment.yaml, without what is left at its default."""
        unset = {field.name: field.default for field in fields(self)}
        # By identity and type too: a minimum of 0 is not the same as no minimum, nor a default of False.
        return {
            key: value
            for key, value in asdict(self).items()
            if key != "name" and not (type(value) is type(unset[key]) and value == unset[key])
        }


def declare(name: str, declaration: object) -> Parameter:
    """Parse one parameter of experiment.yaml. Raises InvalidInput naming the parameter and what is wrong."""
    if not isinstance(declaration, Mapping):
        raise _bad(
            name,
            f"is declared as {shown(declaration)}; write a mapping such as {{type: float, default: 0.1}}",
        )
    known = {field.name for field in fields(Parameter)} - {"name"}
    unknown = sorted(str(key) for key in declaration if key not in known)
    if unknown:
        raise _bad(name, f"has the unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    kind, log, text = declaration.get("type"), declaration.get("log", False), declaration.get("help", "")
    if kind not in TYPES:
        raise _bad(name, f"has the type {shown(kind)}; it must be one of {', '.join(TYPES)}")
    if not isinstance(log, bool):
        raise _bad(name, f"has log {shown(log)}; write true or false")
    if not isinstance(text, str):
        raise _bad(name, f"has the help {shown(text)}, which is not a text")
    choices = declaration.get("choices") or ()
    if not isinstance(choices, Sequence) or isinstance(choices, str):
        raise _bad(name, "has choices that are not a list")
    if kind == "categorical" and not choices:
        raise _bad(name, "is categorical but lists no choices")
    try:
        bounds = {key: number(declaration[key]) for key in ("min", "max") if declaration.get(key) is not None}
        listed = tuple(scalar(choice) for choice in choices)
        text = str(scalar(text))
    except ValueError as error:
        raise _bad(name, f"is not declared well: something {error}") from None
    parameter = Parameter(name=name, type=kind, log=log, choices=listed, help=text, **bounds)
    if (default := declaration.get("default")) is None:
        return parameter
    # What counts is the declared type, whatever YAML made of the text.
    return replace(parameter, default=check_value(parameter, default))


def check_value(parameter: Parameter, value: object) -> Value:
    """Return the value in the parameter's type, from text if need be. Raises InvalidInput(field=name)."""
    try:
        typed = scalar(_typed(parameter, scalar(value)))
    except ValueError as error:
        raise _bad(parameter.name, str(error)) from None
    if parameter.choices and typed not in parameter.choices:
        choices = ", ".join(map(str, parameter.choices))
        raise _bad(parameter.name, f"is {shown(value)}; choose one of {choices}")
    if isinstance(typed, int | float) and not isinstance(typed, bool):
        if parameter.min is not None and typed < parameter.min:
            raise _bad(parameter.name, f"is {typed:g}; the smallest allowed value is {parameter.min:g}")
        if parameter.max is not None and typed > parameter.max:
            raise _bad(parameter.name, f"is {typed:g}; the largest allowed value is {parameter.max:g}")
    return typed


def parse_values(parameter: Parameter, text: str) -> list[Value]:
    """Checked values of a comma-separated text, in order, without repeats; the default for an empty text."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        if parameter.default is None:
            raise _bad(parameter.name, "has no default, so it needs a value")
        return [parameter.default]
    return list(dict.fromkeys(check_value(parameter, part) for part in parts))


def complete(parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> ParamSet:
    """One full parameter set: given values checked, the rest from defaults. Raises InvalidInput."""
    unknown = sorted(set(given) - set(parameters))
    if unknown:
        declared = ", ".join(parameters) or "none"
        name = unknown[0][:SHOWN].encode("utf-8", "replace").decode()
        raise InvalidInput(f"There is no parameter {name}; declared are: {declared}.", field=name)
    result: ParamSet = {}
    for name, parameter in parameters.items():
        if name in given:
            result[name] = check_value(parameter, given[name])
        elif parameter.default is not None:
            result[name] = parameter.default
        else:
            raise _bad(name, "has no default, so it needs a value")
    return result


def expand_grid(values: Mapping[str, Sequence[Value]]) -> list[ParamSet]:
    """Every combination of the values, the last name varying fastest. Raises InvalidInput above MAX_SETS."""
    count = math.prod(len(options) for options in values.values())
    if count > MAX_SETS:
        raise InvalidInput(f"These values make {count} runs; at most {MAX_SETS} can be added at a time.")
    return [
        dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())
    ]


def _typed(parameter: Parameter, value: Value) -> Value:
    """The value in the parameter's type; ValueError says what is wrong."""
    text = str(value).strip()
    match parameter.type:
        case "bool":
            if text.lower() in TRUE | FALSE:
                return text.lower() in TRUE
            raise ValueError(f"is {shown(value)}; write true or false")
        case "int":
            found = number(value)
            if not found.is_integer():
                raise ValueError(f"is {shown(value)}, which is not a whole number")
            return int(found)
        case "float":
            return number(value)
        case "categorical":
            # Forms send text: find the choice that reads the same.
            same = (choice for choice in parameter.choices if choice == value or str(choice) == text)
            return next(same, text)
        case "auto":
            return _guessed(text) if isinstance(value, str) else value
    return text


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


def _bad(name: str, problem: str) -> InvalidInput:
    return InvalidInput(f"Parameter {name} {problem}.", field=name)
