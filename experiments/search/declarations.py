"""Parsing one parameter of experiment.yaml. Pure: no Django, no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from experiments.search.parameters import NUMERIC, TYPES, Condition, Parameter, typed_value, wrong
from experiments.search.scalars import INTEGER_LIMIT, Value, number, scalar, shown
from mlplatform.kernel.text import known_instead


def declare(name: str, declaration: object) -> Parameter:
    """Parse one parameter of experiment.yaml. Raises InvalidInput naming the parameter and what is wrong.

    What its conditions say about other parameters is checked by `conditions.declare_all`.
    """
    try:
        return _declared(name, declaration)
    except ValueError as error:
        raise wrong(name, str(error)) from None


def _declared(name: str, declaration: object) -> Parameter:
    if not isinstance(declaration, Mapping):
        raise ValueError(
            f"is declared as {shown(declaration)}; write a mapping such as {{type: float, default: 0.1}}"
        )
    known = {field.name for field in fields(Parameter)} - {"name"}
    unknown = sorted(str(key) for key in declaration if key not in known)
    if unknown:
        raise ValueError(
            f"has the unknown key {', '.join(unknown)}; {known_instead(unknown[0], sorted(known))}"
        )
    kind, text, default = declaration.get("type"), declaration.get("help", ""), declaration.get("default")
    optional = declaration.get("optional", False)
    if kind not in TYPES:
        raise ValueError(f"has the type {shown(kind)}; it must be one of {', '.join(TYPES)}")
    if not isinstance(text, str):
        raise ValueError(f"has the help {shown(text)}, which is not a text")
    if not isinstance(optional, bool) or (optional and default is not None):
        raise ValueError(
            f"has optional {shown(optional)}; write true, and no default, if runs may leave it out"
        )
    parameter = Parameter(name=name, type=kind, optional=optional, help=str(_part("help", text)))
    if kind == "constant":
        return _constant(parameter, declaration, default)
    parameter = replace(
        parameter,
        **_range(kind, declaration),
        choices=_choices(kind, declaration),
        when=_when(declaration.get("when") or {}),
    )
    # What counts is the declared type, whatever YAML made of the text.
    return parameter if default is None else replace(parameter, default=typed_value(parameter, default))


def _constant(parameter: Parameter, declaration: Mapping[str, object], default: object) -> Parameter:
    more = sorted(set(declaration) - {"type", "default", "help"})
    if more:
        raise ValueError(f"is a constant, which takes a default and nothing else; remove {', '.join(more)}")
    if default is None:
        raise ValueError("is a constant without a default; write its one value as default")
    return replace(parameter, default=_part("default", default))


def _range(kind: str, declaration: Mapping[str, object]) -> dict[str, Any]:
    """`min`, `max`, `step` and `log`, where they make sense together."""
    log = declaration.get("log", False)
    if not isinstance(log, bool):
        raise ValueError(f"has log {shown(log)}; write true or false")
    bounds: dict[str, Any] = {}
    for key in ("min", "max", "step"):
        if (given := declaration.get(key)) is not None:
            try:
                bounds[key] = number(given)
            except ValueError as error:
                raise ValueError(f"is not declared well: its {key} {error}") from None
    low, high, step = (bounds.get(key) for key in ("min", "max", "step"))
    if low is not None and high is not None and low > high:
        raise ValueError(f"has the min {low:g} above its max {high:g}; swap them")
    if log and low is not None and low <= 0:
        raise ValueError(f"has a log scale from {low:g}; a log scale needs a min above 0")
    if step is not None:
        check_step(kind, step, log=log, room=None if low is None or high is None else high - low)
    return {**bounds, "log": log}


def check_step(kind: str, step: float, *, log: bool, room: float | None) -> None:
    """Whether a range of this type can have this step. Raises ValueError as `scalars.scalar` does."""
    if kind not in NUMERIC:
        raise ValueError(f"has a step, but the type {kind}; a step needs the type float or int")
    if log:
        raise ValueError("has both log and a step; keep one of them")
    if not 0 < step <= INTEGER_LIMIT:
        raise ValueError(f"has the step {step:g}; it must be above 0 and at most 2^53")
    if kind == "int" and not step.is_integer():
        raise ValueError(f"has the step {step:g}; the step of a whole number is a whole number")
    if room is not None and step > room:
        raise ValueError(
            f"has the step {step:g}, but only {room:g} lies between min and max; make it smaller"
        )


def _choices(kind: str, declaration: Mapping[str, object]) -> tuple[Value, ...]:
    choices = declaration.get("choices") or ()
    if not isinstance(choices, Sequence) or isinstance(choices, str):
        raise ValueError("has choices that are not a list")
    if kind == "categorical" and not choices:
        raise ValueError("is categorical but lists no choices")
    return tuple(_part("choice", choice) for choice in choices)


def _when(content: object) -> tuple[Condition, ...]:
    if not isinstance(content, Mapping):
        raise ValueError(f"has when {shown(content)}; write a mapping such as {{optimizer: sgd}}")
    conditions = []
    for parent, value in content.items():
        values = value if isinstance(value, list | tuple) else [value]
        if not values:
            raise ValueError(f"has a condition on {shown(parent)} without values; name at least one")
        typed = tuple(dict.fromkeys(_part("condition", item) for item in values))
        conditions.append(Condition(str(_part("condition", parent)), typed))
    # PostgreSQL does not keep the order of an object's keys.
    return tuple(sorted(conditions, key=lambda condition: condition.parent))


def _part(what: str, value: object) -> Value:
    try:
        return scalar(value)
    except ValueError as error:
        raise ValueError(f"is not declared well: its {what} {error}") from None
