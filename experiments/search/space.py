"""Declared parameters and the parameter sets made of them. Pure: no Django, no I/O."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from mlplatform.kernel.errors import InvalidInput

# "auto" is for code that declares nothing: text that reads as a number or true/false becomes one.
TYPES = ("float", "int", "categorical", "bool", "str", "auto")
MAX_SETS = 1000
TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})

Value = float | int | bool | str
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
            name, f"is declared as {declaration!r}; write a mapping such as {{type: float, default: 0.1}}"
        )
    known = {field.name for field in fields(Parameter)} - {"name"}
    unknown = sorted(str(key) for key in declaration if key not in known)
    if unknown:
        raise _bad(name, f"has the unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    if declaration.get("type") not in TYPES:
        raise _bad(name, f"has the type {declaration.get('type')!r}; it must be one of {', '.join(TYPES)}")
    choices = declaration.get("choices") or ()
    if not isinstance(choices, Sequence) or isinstance(choices, str):
        raise _bad(name, "has choices that are not a list")
    if declaration["type"] == "categorical" and not choices:
        raise _bad(name, "is categorical but lists no choices")
    for bound in ("min", "max"):
        limit = declaration.get(bound)
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float)):
            raise _bad(name, f"has {bound} {limit!r}, which is not a number")
    parameter = Parameter(
        name=name, **{**declaration, "choices": tuple(choices), "help": str(declaration.get("help", ""))}
    )
    if parameter.default is not None:
        check_value(parameter, parameter.default)
    return parameter


def check_value(parameter: Parameter, value: object) -> Value:
    """Return the value in the parameter's type, from text if need be. Raises InvalidInput(field=name)."""
    typed = _typed(parameter, value)
    if parameter.choices and typed not in parameter.choices:
        raise _bad(parameter.name, f"is {value!r}; choose one of {', '.join(map(str, parameter.choices))}")
    if isinstance(typed, int | float) and not isinstance(typed, bool):
        if not math.isfinite(typed):
            raise _bad(parameter.name, f"is {value!r}; it must be a finite number")
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
        raise InvalidInput(
            f"There is no parameter {', '.join(unknown)}; declared are: {declared}.", field=unknown[0]
        )
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


def _typed(parameter: Parameter, value: object) -> Value:
    text = str(value).strip()
    match parameter.type:
        case "bool":
            if text.lower() in TRUE | FALSE:
                return text.lower() in TRUE
            raise _bad(parameter.name, f"is {value!r}; write true or false")
        case "int" | "float":
            return _number(parameter, value, text)
        case "categorical":
            # Forms send text: find the choice that reads the same.
            return next(
                (choice for choice in parameter.choices if choice == value or str(choice) == text), text
            )
        case "auto" if not isinstance(value, str):
            return value if isinstance(value, bool | int | float) else text
        case "auto":
            return _scalar(text)
    return text


def _scalar(text: str) -> Value:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _number(parameter: Parameter, value: object, text: str) -> int | float:
    try:
        number = float(text)
    except ValueError:
        raise _bad(parameter.name, f"is {value!r}, which is not a number") from None
    if parameter.type == "float":
        return number
    if not number.is_integer():
        raise _bad(parameter.name, f"is {value!r}, which is not a whole number")
    return int(number)


def _bad(name: str, problem: str) -> InvalidInput:
    return InvalidInput(f"Parameter {name} {problem}.", field=name)
