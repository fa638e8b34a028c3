"""Parameters that apply only where another one has a certain value. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from experiments.search.declarations import declare
from experiments.search.parameters import Condition, Parameter, typed_value, written, wrong
from experiments.search.scalars import Value, shown
from mlplatform.kernel.errors import InvalidInput

MAX_PARAMETERS = 500


def declare_all(declarations: Mapping[str, object]) -> dict[str, Parameter]:
    """Parse the parameters of experiment.yaml together. Raises InvalidInput naming the parameter.

    A condition must be about another declared parameter and a value that this can have, and not go round in circles.
    """
    if len(declarations) > MAX_PARAMETERS:
        raise InvalidInput(
            f"{len(declarations)} parameters are declared; at most {MAX_PARAMETERS} are taken.",
            field="parameters",
        )
    parameters = {name: declare(name, declaration) for name, declaration in declarations.items()}
    return check_conditions(parameters)


def check_conditions(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """The parameters with the values of their conditions in the parents' types. Raises InvalidInput."""
    parents = {name: [c.parent for c in parameter.when] for name, parameter in parameters.items()}
    checked = {
        name: replace(parameter, when=tuple(_checked(name, c, parameters) for c in parameter.when))
        for name, parameter in parameters.items()
    }
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        circle = error.args[1]
        raise wrong(
            circle[0],
            f"depends on itself through its conditions ({' → '.join(reversed(circle))}); break the circle",
        ) from None
    return checked


def parents_first(parameters: Mapping[str, Parameter]) -> list[str]:
    """The names in declared order, except that what a condition is about comes before what it decides."""
    left, order, done = list(parameters), list[str](), set[str]()
    while left:
        # A parent that is not among them cannot come first.
        ready = [
            name
            for name in left
            if all(c.parent in done or c.parent not in parameters for c in parameters[name].when)
        ]
        order += ready
        done.update(ready)
        left = [name for name in left if name not in done]
    return order


def applies(parameter: Parameter, chosen: Mapping[str, Value]) -> bool:
    """Whether the parameter belongs to a set in which its parents have these values."""
    return all(c.parent in chosen and chosen[c.parent] in c.values for c in parameter.when)


def in_words(parameter: Parameter) -> str:
    """The conditions as the end of a sentence that begins with `only when`; empty without any."""
    return " and ".join(
        f"{condition.parent} is {' or '.join(map(written, condition.values))}" for condition in parameter.when
    )


def _checked(name: str, condition: Condition, parameters: Mapping[str, Parameter]) -> Condition:
    parent = parameters.get(condition.parent)
    if condition.parent == name:
        raise wrong(name, "has a condition on itself; name another parameter in when")
    if parent is None:
        raise wrong(name, f"has a condition on {shown(condition.parent)}, which is not declared")
    try:
        typed = dict.fromkeys(typed_value(parent, value) for value in condition.values)
    except ValueError as error:
        raise wrong(name, f"has a condition that never holds: {parent.name} {error}") from None
    return replace(condition, values=tuple(typed))
