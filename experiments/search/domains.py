"""What a search does with one parameter: a range, a list of choices, or one fixed value. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from experiments.search.checks import only, refused
from experiments.search.declarations import check_step
from experiments.search.parameters import NUMERIC, Parameter, typed_value
from experiments.search.scalars import INTEGER_LIMIT, Value, number, shown
from experiments.search.steps import Steps, divides

RANGE_KEYS = ("min", "max", "step", "log")
# Squares of differences of such numbers are still finite, which the models of searchers need.
LARGEST = 1e100


@dataclass(frozen=True)
class Domain:
    """The values that a search may give to one parameter: `choices`, or the numbers from `min` to `max`."""

    name: str
    type: str
    min: float = 0
    max: float = 0
    step: float | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()
    # The declared type is auto, so the range has to name its own.
    names_type: bool = False
    fixed: bool = False

    @property
    def is_range(self) -> bool:
        """Whether this is a range of numbers."""
        return not self.choices

    @property
    def steps(self) -> Steps | None:
        """The grid of a range that has one; whole numbers always do, except on a log scale."""
        if not self.is_range or self.log or (self.step is None and self.type == "float"):
            return None
        return Steps(self.min, self.step or 1)

    @property
    def count(self) -> int | None:
        """How many values there are; None for a range of any number."""
        if self.steps is not None:
            return self.steps.below(self.max) + 1
        if self.is_range:
            return int(self.max) - int(self.min) + 1 if self.type == "int" else None
        return len(self.choices)

    def values(self) -> list[Value]:
        """All values in order; only where `count` is not None, which is also what it costs."""
        assert self.count is not None
        return [self.value(index) for index in range(self.count)]

    def value(self, index: int) -> Value:
        """The value of this index; only where `count` is not None."""
        if not self.is_range:
            return self.choices[index]
        return self._typed((self.steps or Steps(self.min, 1)).at(index))

    def at(self, position: float) -> Value:
        """The value at a position from 0 to 1: equal parts of it are equally likely, on a log scale if wanted."""
        if self.count is not None and not self.log:
            return self.value(min(int(position * self.count), self.count - 1))
        low, high = self._scaled(self.min, -1), self._scaled(self.max, 1)
        value = low + position * (high - low)
        return self._typed(min(max(math.exp(value) if self.log else value, self.min), self.max))

    def position(self, value: float) -> float:
        """Where `at` gives this value, for a range: the middle of its part."""
        if self.steps is not None and self.count is not None:
            return (self.steps.index(value) + 0.5) / self.count
        low, high = self._scaled(self.min, -1), self._scaled(self.max, 1)
        return ((math.log(value) if self.log else value) - low) / (high - low)

    def holds(self, value: Value | None) -> bool:
        """Whether this is one of the values."""
        if not self.is_range:
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.min <= value <= self.max:
            return False
        return self.steps is None or self.steps.holds(value)

    def to_json(self) -> Any:
        """As in `search.space` of experiment.yaml, with what came from the declaration written out."""
        if self.fixed:
            return self.choices[0]
        if not self.is_range:
            return list(self.choices)
        kind = {"type": self.type} if self.names_type else {}
        step = {} if self.step is None else {"step": self.step}
        return {**kind, "min": self.min, "max": self.max, **step, "log": self.log}

    def _typed(self, value: float) -> float:
        return round(value) if self.type == "int" else value

    def _scaled(self, bound: float, side: int) -> float:
        """A bound on the scale of the draw; whole numbers get half a step more on either side, to be rounded."""
        edge = bound + 0.5 * side if self.type == "int" else bound
        return math.log(edge) if self.log else edge


def domain(parameter: Parameter, content: object, field: str) -> Domain:
    """Parse one entry of `search.space`, narrowing the declared parameter. Raises InvalidInput(field=...)."""
    if isinstance(content, Mapping):
        if parameter.type in ("float", "int", "auto") and not parameter.choices:
            return _range(parameter, content, field)
        if content:
            raise refused(field, f"is a range, but {parameter.type} has none; list its values or write {{}}")
        return Domain(parameter.name, parameter.type, choices=_all_choices(parameter, field))
    values = content if isinstance(content, Sequence) and not isinstance(content, str) else [content]
    if not values:
        raise refused(field, "is an empty list; list at least one value, or leave the parameter out")
    try:
        choices = tuple(dict.fromkeys(typed_value(parameter, value) for value in values))
    except ValueError as error:
        raise refused(field, str(error)) from None
    return Domain(parameter.name, parameter.type, choices=choices, fixed=values is not content)


def _all_choices(parameter: Parameter, field: str) -> tuple[Value, ...]:
    if parameter.choices:
        return parameter.choices
    if parameter.type == "bool":
        return (False, True)
    if parameter.type == "constant" and parameter.default is not None:
        return (parameter.default,)
    raise refused(field, "declares no choices; list the values to try, such as [a, b]")


def _range(parameter: Parameter, content: Mapping[str, Any], field: str) -> Domain:
    kind = content.get("type", parameter.type)
    if parameter.type != "auto":
        only(content, RANGE_KEYS, field)
    elif kind not in NUMERIC:
        raise refused(
            field,
            "is a range of a parameter without a declared type; add type: float or int, or list the values",
        )
    else:
        only(content, ("type", *RANGE_KEYS), field)
    log = content.get("log", parameter.log)
    if not isinstance(log, bool):
        raise refused(f"{field}.log", f"is {shown(log)}; write true or false")
    low = _bound(parameter, content, "min", kind, field)
    high = _bound(parameter, content, "max", kind, field)
    if low >= high:
        raise refused(
            f"{field}.min",
            f"is {low:g} and the max {high:g}; write a range, or one value to fix the parameter",
        )
    if log and low <= 0:
        raise refused(f"{field}.min", f"is {low:g}; a log scale needs a min above 0")
    made = Domain(parameter.name, kind, low, high, log=log, names_type=parameter.type == "auto")
    return replace(made, step=_step(parameter, made, content.get("step"), field))


def _bound(parameter: Parameter, content: Mapping[str, Any], key: str, kind: str, field: str) -> float:
    declared = parameter.min if key == "min" else parameter.max
    given = content.get(key)
    if given is None:
        if declared is None:
            raise refused(
                f"{field}.{key}",
                "is missing, and the declaration has none either; write it, or list the values",
            )
        whole = math.ceil if key == "min" else math.floor
        given = declared if kind == "float" else whole(declared)
    # A max need not be a point of the declared grid: the search stops before it.
    within = replace(parameter, type=kind, step=parameter.step if key == "min" else None)
    try:
        value = number(typed_value(within, given))
    except ValueError as error:
        raise refused(f"{field}.{key}", str(error)) from None
    if abs(value) > LARGEST:
        raise refused(f"{field}.{key}", f"is {value:g}; a search goes to ±{LARGEST:g} at most")
    return int(value) if kind == "int" else value


def _step(parameter: Parameter, made: Domain, given: object, field: str) -> float | None:
    if given is None and parameter.step is None:
        return None
    field = f"{field}.step"
    try:
        step = number(parameter.step if given is None else given)
        check_step(made.type, step, log=made.log, room=made.max - made.min)
    except ValueError as error:
        raise refused(field, str(error)) from None
    if parameter.step is not None and not divides(parameter.step, step):
        raise refused(field, f"is {step:g}; it must be a multiple of the declared step, {parameter.step:g}")
    if (made.max - made.min) / step > INTEGER_LIMIT:
        raise refused(field, f"is {step:g}, which makes more than 2^53 values; make it larger")
    return int(step) if made.type == "int" else step
