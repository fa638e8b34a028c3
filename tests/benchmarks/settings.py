"""The product's settings with simulated slots instead of Ray, and no MLflow."""

import os

from mlplatform.settings import *  # noqa: F403  (they read the environment)

RUNNERS = {"simulated": "tests.benchmarks.simulated.SimulatedRunner"}
BACKENDS = {
    "local": {"runner": "simulated", "address": os.environ["BENCH_JOBS"], "token": "", "cpus": 64, "gpus": 0}
}
TRACKING_STORE = "tests.fakes.tracking_store.FakeTrackingStore"
