"""Runs start alike: same seeds, and nothing left behind by the run before."""

import logging
import os
import random
import warnings

import numpy as np
import pytest
import torch

from runners.harness.numerics import switch_back, switches
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
    state = ProcessState.take()
    os.environ["ADDED"] = "1"
    del os.environ["KEPT"]
    torch.set_default_device("meta")
    torch.set_flush_denormal(True)
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger().setLevel(logging.DEBUG)
    warnings.simplefilter("ignore")
    state.restore()
    assert ("ADDED" in os.environ, os.environ["KEPT"]) == (False, "1")
    assert torch.zeros(1).device.type == "cpu"
    assert float(torch.tensor(1e-310, dtype=torch.float64) / 2) > 0, "denormal"
    assert ProcessState.take() == state


CHANGES = {
    "dtype": lambda: torch.set_default_dtype(torch.float64),
    "gradients": lambda: torch.set_grad_enabled(False),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "deterministic, with warnings": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True, check_nan=False),
    "numpy": lambda: np.seterr(all="raise"),
    "high": lambda: torch.set_float32_matmul_precision("high"),
    "medium": lambda: torch.set_float32_matmul_precision("medium"),
    "matmul.allow_tf32": lambda: setattr(torch.backends.cuda.matmul, "allow_tf32", True),
    "cudnn.allow_tf32": lambda: setattr(torch.backends.cudnn, "allow_tf32", False),
    "benchmark": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "half sums": lambda: setattr(torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction", False),
    "attention": lambda: torch.backends.cuda.enable_flash_sdp(False),
    "new, everywhere": lambda: setattr(torch.backends, "fp32_precision", "tf32"),
    "new, matmul": lambda: setattr(torch.backends.cuda.matmul, "fp32_precision", "tf32"),
    "new, conv": lambda: setattr(torch.backends.cudnn.conv, "fp32_precision", "ieee"),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.filterwarnings("ignore:Please use the new API")
def test_what_a_run_does_to_numbers_is_put_back(change):
    before = switches()
    CHANGES[change]()
    # Torch may refuse to say how it stands once the old and the new way were mixed.
    assert switches() != before
    switch_back(before)
    assert switches() == before


def test_a_warning_is_shown_in_each_run(recwarn):
    state = ProcessState.take()
    for _ in range(2):
        warnings.warn("again", stacklevel=1)
        state.restore()
    # Not what was left behind by others, and is collected here.
    shown = [str(one.message) for one in recwarn if one.category is UserWarning]
    assert shown == ["again", "again"]
