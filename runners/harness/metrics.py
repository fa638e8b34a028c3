"""From whatever a train function reports to flat numbers."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

MAX_DEPTH = 8
# As long as the portal takes them.
MAX_NAME = 200


def flatten_metrics(metrics: Mapping[Any, Any]) -> tuple[dict[str, float], list[str]]:
    """Return ({"a/b": number}, [keys whose value is not a number, or whose name is empty or too long]).

    Numbers are bool, int, float, numpy scalars and one-element tensors or arrays.
    """
    numbers: dict[str, float] = {}
    ignored: list[str] = []
    _flatten(metrics, "", 0, numbers, ignored)
    return numbers, ignored


def _flatten(
    metrics: Mapping[Any, Any], prefix: str, depth: int, numbers: dict[str, float], ignored: list[str]
) -> None:
    for key, value in metrics.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and depth < MAX_DEPTH:
            _flatten(value, f"{name}/", depth + 1, numbers, ignored)
            continue
        number = _as_number(value)
        if number is None or not 0 < len(name) <= MAX_NAME:
            ignored.append(name)
        else:
            numbers[name] = number


def _as_number(value: Any) -> float | None:
    kind = type(value)
    if kind is float:
        return float(value)
    if issubclass(kind, Real):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    # Tensors and arrays of one element; `item` is the protocol that torch and numpy share.
    if getattr(value, "ndim", None) is not None and hasattr(value, "item"):
        size = value.numel() if hasattr(value, "numel") else value.size
        if size == 1:
            item = value.item()
            if isinstance(item, Real):
                return float(item)
    return None
