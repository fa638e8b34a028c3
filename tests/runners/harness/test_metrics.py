"""Which values count as numbers, and under which names."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from runners.harness.metrics import flatten_metrics


@pytest.mark.parametrize(
    "value",
    [
        2,
        2.0,
        np.float32(2),
        np.int64(2),
        np.array([2.0]),
        np.array(2),
        torch.tensor(2),
        torch.tensor([2.0]),
        torch.tensor(2.0, dtype=torch.bfloat16),
        torch.nn.Parameter(torch.tensor(2.0)),
        Fraction(4, 2),
    ],
)
def test_numbers_of_every_kind(value):
    assert flatten_metrics({"a": value}) == ({"a": 2.0}, [])


@pytest.mark.parametrize("value", [True, np.bool_(True), torch.tensor(True)])
def test_truth_is_one(value):
    assert flatten_metrics({"a": value}) == ({"a": 1.0}, [])


@pytest.mark.parametrize(
    "value", ["2", None, [2], (2,), torch.zeros(2), np.zeros(2), 2j, Decimal(2), object()]
)
def test_everything_else_is_named_and_ignored(value):
    assert flatten_metrics({"a": value, "b": 1}) == ({"b": 1.0}, ["a"])


def test_nested_dicts_become_paths():
    numbers, ignored = flatten_metrics({"val": {"loss": 1, "top": {"5": 0.5, "name": "x"}}, 3: 4})
    assert numbers == {"val/loss": 1.0, "val/top/5": 0.5, "3": 4.0}
    assert ignored == ["val/top/name"]


def test_a_dict_that_contains_itself_ends():
    metrics: dict[str, object] = {"loss": 1.0}
    metrics["self"] = metrics
    numbers, ignored = flatten_metrics(metrics)
    assert numbers["loss"] == 1.0
    assert len(ignored) == 1


def test_an_integer_beyond_float_is_infinite():
    assert flatten_metrics({"a": 10**400, "b": -(10**400)}) == ({"a": math.inf, "b": -math.inf}, [])


def test_names_that_the_portal_does_not_take_are_left_out():
    numbers, ignored = flatten_metrics({"": 1, "x" * 201: 2, "y" * 200: 3})
    assert numbers == {"y" * 200: 3.0}
    assert ignored == ["", "x" * 201]
