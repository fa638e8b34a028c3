"""Parameters as axes of charts and of models: a range of numbers, or choices in order. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from experiments.search.domains import Domain
from experiments.search.parameters import Parameter
from experiments.search.scalars import Value
from experiments.search.space import ParamSet

# So many listed numbers are told apart as bands; more make a range.
MAX_BANDS = 12
# No axis has room for more texts than this.
MAX_CHOICES = 40


@dataclass(frozen=True)
class Axis:
    """The values of one parameter: `choices` in order, or without any the numbers from `low` to `high`."""

    name: str
    low: float = 0
    high: float = 0
    log: bool = False
    choices: tuple[Value, ...] = ()

    def code(self, value: Value) -> float:
        """What charts are given: the number itself, or the index of the choice."""
        if not self.choices:
            assert isinstance(value, int | float)
            return value
        return self._codes[_key(value)]

    @cached_property
    def _codes(self) -> dict[tuple[bool, Value], int]:
        return {_key(choice): index for index, choice in enumerate(self.choices)}

    def position(self, value: Value) -> float:
        """Where it lies between both ends, from 0 to 1, on a log scale if the axis has one; for ranges only."""
        number = self.code(value)
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)

    def to_json(self) -> dict[str, Any]:
        """For the charts."""
        if self.choices:
            return {"name": self.name, "choices": list(self.choices)}
        return {"name": self.name, "low": self.low, "high": self.high, "log": self.log}


@dataclass(frozen=True)
class Axes:
    """The parameters that vary, those that never do with their value, and names of those with too many texts."""

    varied: list[Axis]
    constant: dict[str, Value]
    unordered: list[str]


def axes_of(
    parameters: Mapping[str, Parameter], searched: Mapping[str, Domain], sets: Sequence[ParamSet]
) -> Axes:
    """Axes for these sets, in the order of the declaration; none for a parameter that no set has.

    An axis reaches as far as the search does, and as far as values lie that people added.
    """
    found = Axes([], {}, [])
    for name, parameter in parameters.items():
        values = {_key(params[name]): params[name] for params in sets if name in params}
        if not values:
            continue
        if len(values) == 1 and name not in searched:
            found.constant[name] = next(iter(values.values()))
            continue
        axis = _axis(parameter, searched.get(name), list(values.values()))
        if len(axis.choices) > MAX_CHOICES:
            found.unordered.append(name)
        else:
            found.varied.append(axis)
    return found


def _axis(parameter: Parameter, domain: Domain | None, values: list[Value]) -> Axis:
    listed = parameter.choices if domain is None else domain.choices
    numbers = [
        value
        for value in (*values, *listed)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if len(numbers) == len(values) + len(listed) and (not listed or len(set(numbers)) > MAX_BANDS):
        return _range(parameter, domain, numbers)
    every = {_key(value): value for value in (*listed, *values)}
    choices = list(every.values())
    if not listed or len(numbers) == len(values) + len(listed):
        choices.sort(key=_order)
    return Axis(parameter.name, choices=tuple(choices))


def _range(parameter: Parameter, domain: Domain | None, numbers: list[float]) -> Axis:
    has_ends = domain is not None and domain.is_range
    ends = [*numbers, *([domain.min, domain.max] if domain is not None and has_ends else [])]
    log = domain.log if domain is not None and has_ends else parameter.log
    return Axis(parameter.name, min(ends), max(ends), log=log and min(ends) > 0)


def _key(value: Value) -> tuple[bool, Value]:
    """True and 1 are different values, though Python finds them equal."""
    return isinstance(value, bool), value


def _order(value: Value) -> tuple[bool, float, str]:
    """Numbers by size, then texts."""
    return isinstance(value, str), 0 if isinstance(value, str) else value, str(value)
