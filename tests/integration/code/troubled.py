"""Ends in the way that its parameter says."""

import sys
import time

import ray.train


def train(config):
    print("about to", config["how"], flush=True)  # noqa: T201
    ray.train.report({"started": 1})
    if config["how"] == "raise":
        raise ValueError("the data is not there")
    if config["how"] == "exit":
        sys.exit(4)
    while config["how"] == "hang":
        time.sleep(0.05)
        ray.train.report({"started": 1})
