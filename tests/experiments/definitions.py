"""Any definition of an experiment on one piece of code, for properties."""

from typing import Any

from hypothesis import strategies as st

from experiments.definition import LIMITS, Definition
from experiments.manifest import Manifest
from experiments.search.spec import SearchSpec
from mlplatform.kernel.errors import InvalidInput

CODE = Manifest.from_yaml(
    """
name: digits
entrypoint: train:train
progress: epochs
parameters:
  lr: {type: float, default: 0.01, min: 1e-5, max: 1, log: true, help: "Learning rate, of course: 'Adam'"}
  epochs: {type: int, default: 3, min: 1, max: 100}
  width: {type: int, default: 32, min: 8, max: 128, step: 8}
  optimizer: {type: categorical, choices: [adam, sgd, "null", 1], default: adam}
  momentum: {type: float, default: 0.9, min: 0, max: 0.99, when: {optimizer: sgd}}
  augment: {type: bool, default: false}
  data: {type: str, default: "no"}
  free: {type: auto, optional: true}
  fixed: {type: constant, default: 1.5}
"""
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
LINE = TEXT.map(str.strip).filter(lambda text: len(text.splitlines()) == 1)
LR = st.floats(1e-5, 1)
ENTRIES = {
    "lr": LR | st.lists(LR, min_size=2, max_size=4, unique=True) | st.builds(
        lambda low, high: {"min": low, "max": high, "log": True}, st.floats(1e-5, 0.1), st.floats(0.2, 1)
    ),
    "epochs": st.integers(1, 100) | st.just({"min": 2, "max": 9, "log": False}),
    "width": st.just({"min": 8, "max": 64, "step": 16, "log": False}) | st.just([16, 32]),
    "optimizer": st.sampled_from([["adam", "sgd"], "null", [1, "sgd"], "sgd"]),
    "momentum": st.sampled_from([0.5, [0.1, 0.9], {"min": 0.1, "max": 0.9, "log": False}]),
    "augment": st.sampled_from([True, [False, True]]),
    "data": LINE | st.lists(LINE, min_size=2, max_size=3, unique=True),
    "free": st.sampled_from([5, 5.0, "x", [1, "a", True], {"type": "int", "min": 1, "max": 5, "log": False}]),
}  # fmt: skip
PRUNERS = st.sampled_from([None, {"method": "asha", "min_steps": 2, "reduction": 3}, {"method": "median"}])


def _normal(search: dict[str, Any]) -> dict[str, Any] | None:
    # The form has no limit for a grid.
    without = ("runs",) if search["method"] == "grid" else ()
    given = {name: value for name, value in search.items() if name not in without}
    if given["space"].get("optimizer") not in (["adam", "sgd"], [1, "sgd"], "sgd"):
        # Nor has it one for a parameter that applies to no run.
        given["space"] = {name: value for name, value in given["space"].items() if name != "momentum"}
    try:
        return SearchSpec.from_json(given, CODE.parameters).to_json()
    except InvalidInput:
        return None


SEARCHES = st.fixed_dictionaries({
    "method": st.sampled_from(["grid", "random", "tpe"]),
    "runs": st.integers(1, 50),
    "repeat": st.integers(1, 5),
    "seed": st.integers(0, 2**53),
    "space": st.fixed_dictionaries({}, optional=ENTRIES),
    "pruner": PRUNERS,
})  # fmt: skip
NORMAL = SEARCHES.map(_normal).filter(lambda search: search is not None)


def _within(name: str) -> "st.SearchStrategy[Any]":
    low, high = LIMITS[name]
    return st.integers(int(low), int(high)) if isinstance(low, int) else st.floats(low, high)


HOURS = st.integers(4, 3_600_000).map(lambda seconds: seconds / 3600)
DEFINITIONS = st.builds(
    Definition,
    name=LINE,
    entrypoint=st.just("train:train"),
    description=TEXT.map(lambda text: "\n".join(text.strip().splitlines()).strip()),
    objective_metric=LINE,
    objective_direction=st.sampled_from(["maximize", "minimize"]),
    max_hours=st.none() | HOURS,
    target=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    fresh_process=st.booleans(),
    priority=st.sampled_from(("low", "normal", "high")),
    search=NORMAL,
    **{name: _within(name) for name in LIMITS if name != "max_hours"},
)
SETS = st.lists(
    st.sampled_from([
        {"lr": 0.5, "epochs": 3, "width": 8, "optimizer": "adam", "augment": True, "data": "no, really", "fixed": 1.5},
        {"lr": 1.0, "epochs": 9, "width": 32, "optimizer": "sgd", "momentum": 0.1, "augment": False, "data": "1",
         "free": 2, "fixed": 1.5},
    ]),
    max_size=3,
)  # fmt: skip
