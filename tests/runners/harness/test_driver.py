"""The driver's own decisions; the rest of it is in test_ray_runs.py."""

import json
import os
import subprocess
import sys
from unittest import mock

import pytest

from runners.harness.driver import MAX_BARREN_GROUPS, BarrenGroupGuard, build_trainer
from runners.harness.protocol import (
    ALLOCATION_VARIABLE,
    TOKEN_VARIABLE,
    Allocation,
    RecycleGroupError,
    RunFailedError,
)


class WithTraceback(Exception):
    """As Ray wraps what a train function raised."""

    def __init__(self, error):
        super().__init__(str(error))
        self._base_exc = error


def test_without_its_environment_it_says_what_is_missing():
    finished = subprocess.run(
        [sys.executable, "-m", "runners.harness.driver"], capture_output=True, text=True, check=False, env={}
    )
    assert finished.returncode == 2
    assert "MLP_ALLOCATION is missing" in finished.stderr


def test_groups_that_die_for_no_run_are_limited():
    guard = BarrenGroupGuard()
    for _ in range(MAX_BARREN_GROUPS - 1):
        guard.after_exception(None, {0: RuntimeError("died")})
    with pytest.raises(RuntimeError, match="giving up"):
        guard.after_exception(None, {0: RuntimeError("died")})


@pytest.mark.parametrize("error", [RunFailedError("x"), RecycleGroupError("x")])
def test_failed_and_recycled_runs_are_not(error):
    guard = BarrenGroupGuard()
    for _ in range(3 * MAX_BARREN_GROUPS):
        guard.after_exception(None, {0: RuntimeError("died"), 1: WithTraceback(error)})


def test_the_reporter_of_deaths_knows_the_portal_though_the_controller_has_no_environment():
    fields = {
        "id": "a",
        "url": "http://127.0.0.1:1/h",
        "storage_path": "/s",
        "workers": 1,
        "memory_per_worker": 1.5,
    }
    environment = {ALLOCATION_VARIABLE: json.dumps(fields), TOKEN_VARIABLE: "t"}
    with mock.patch.dict(os.environ, environment):
        trainer = build_trainer(Allocation.from_environment(environment))
    assert trainer.scaling_config.resources_per_worker == {"CPU": 1, "memory": 3 * 2**29}
    reporter, guard = trainer.run_config.callbacks
    assert isinstance(guard, BarrenGroupGuard)
    assert vars(reporter) == {"_url": "http://127.0.0.1:1/h", "_token": "t"}


def test_rays_wrapper_still_has_the_original():
    from ray.train.v2._internal.exceptions import UserExceptionWithTraceback  # noqa: PLC0415

    error = RunFailedError("x")
    assert UserExceptionWithTraceback(error, traceback_str="")._base_exc is error
