"""Checks on what people write in experiment.yaml or send as JSON; errors name the path, the value, the remedy. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, overload

from experiments.search.scalars import number, shown
from mlplatform.kernel.errors import InvalidInput
from mlplatform.kernel.text import known_instead


def refused(field: str, problem: str) -> InvalidInput:
    """The error at a field; `problem` is the rest of a sentence that begins with its name."""
    return InvalidInput(f"{field} {problem}.", field=field)


def only(content: Mapping[str, Any], known: Sequence[str], field: str) -> None:
    """Refuse keys that mean nothing."""
    unknown = sorted(str(key) for key in content if key not in known)
    if unknown:
        raise refused(field, f"has the unknown key {', '.join(unknown)}; {known_instead(unknown[0], known)}")


def mapping(content: object, field: str) -> Mapping[str, Any]:
    """A mapping, empty for None. Raises InvalidInput for anything else."""
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise refused(field, f"is {shown(content)}; it must be a mapping")
    return content


@overload
def whole(
    content: Mapping[str, Any], key: str, default: int, between: tuple[int, int], field: str
) -> int: ...
@overload
def whole(
    content: Mapping[str, Any], key: str, default: None, between: tuple[int, int], field: str
) -> int | None: ...
def whole(
    content: Mapping[str, Any], key: str, default: int | None, between: tuple[int, int], field: str
) -> int | None:
    """The whole number under a key, the default for none. Raises InvalidInput naming the key."""
    if content.get(key) is None:
        return default
    try:
        value = number(content[key])
    except ValueError as error:
        raise refused(f"{field}.{key}", str(error)) from None
    low, high = between
    if not value.is_integer() or not low <= value <= high:
        raise refused(f"{field}.{key}", f"is {value:g}; write a whole number from {low} to {high}")
    return int(value)
