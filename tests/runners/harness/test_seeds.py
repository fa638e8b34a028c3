"""Runs start alike: same seeds, and nothing left behind by the run before."""

import logging
import os
import random

import numpy as np
import pytest
import torch

from runners.harness.seeds import ProcessState, seed_everything


def draw():
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # the global generator


def test_the_same_seed_gives_the_same_numbers_everywhere():
    seed_everything(7)
    first = draw()
    assert draw() != first
    seed_everything(7)
    assert draw() == first


@pytest.mark.parametrize("seed", [0, 2**32 - 1, 2**32, 2**63 - 1])
def test_every_seed_of_the_portal_is_possible(seed):
    seed_everything(seed)


def test_what_a_run_changes_is_put_back(monkeypatch):
    monkeypatch.setenv("KEPT", "1")
    state, threads = ProcessState.take(), torch.get_num_threads()
    os.environ["ADDED"] = "1"
    del os.environ["KEPT"]
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_num_threads(threads + 1)
    torch.use_deterministic_algorithms(True)
    torch.set_default_device("meta")
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger().setLevel(logging.DEBUG)
    state.restore()
    assert ("ADDED" in os.environ, os.environ["KEPT"]) == (False, "1")
    assert torch.get_default_dtype() is torch.float32
    assert torch.is_grad_enabled()
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.zeros(1).device.type == "cpu"
    assert ProcessState.take() == state
