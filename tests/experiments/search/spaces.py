"""Declared parameters and searches that several tests use."""

from collections.abc import Mapping
from typing import Any

from experiments.search.conditions import declare_all
from experiments.search.spec import SearchSpec

DECLARED = declare_all(
    {
        "lr": {"type": "float", "default": 0.01, "min": 1e-5, "max": 1, "log": True},
        "width": {"type": "int", "min": 8, "max": 128, "step": 8, "default": 32},
        "layers": {"type": "int", "min": 1, "max": 9, "default": 2},
        "dropout": {"type": "float", "min": 0, "max": 0.9, "default": 0.0},
        "optimizer": {"type": "categorical", "choices": ["adam", "sgd"], "default": "adam"},
        "momentum": {"type": "float", "min": 0, "max": 0.99, "default": 0.9, "when": {"optimizer": "sgd"}},
        "augment": {"type": "bool", "default": False},
        "name": {"type": "str", "default": "cnn"},
        "read": {"type": "auto", "default": 1},
        "data": {"type": "constant", "default": "digits"},
    }
)
# Every kind of domain, and a condition.
SPACE: Mapping[str, Any] = {
    "lr": {"min": 1e-4, "max": 0.1},
    "width": {"min": 16, "max": 64, "step": 16},
    "layers": {"min": 1, "max": 8, "log": True},
    "dropout": {"min": 0, "max": 0.5, "step": 0.1},
    "optimizer": {},
    "momentum": {},
    "augment": [True, False],
    "read": {"type": "float", "min": 1, "max": 2},
    "name": "cnn",
}


def spec_of(method: str, space: Mapping[str, Any] = SPACE, runs: int | None = 40, **more: Any) -> SearchSpec:
    """A checked spec over DECLARED."""
    given = {"method": method, "space": space, **({} if runs is None else {"runs": runs}), **more}
    return SearchSpec.from_json(given, DECLARED)
