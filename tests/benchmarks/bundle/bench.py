"""The same training under torchrun and under the harness; only where `report` comes from differs."""

# ruff: noqa: T201  # it prints like training code does

import json
import os
import time
from pathlib import Path

import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel


def network(channels=16):
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * channels, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def train(config, report):
    """Train on the digits with DDP; rank 0 writes (wall, CPU) seconds of every epoch to config["out"]."""
    rank, workers = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)[rank::workers] / 16
    labels = torch.tensor(digits.target)[rank::workers]
    model = DistributedDataParallel(network()) if workers > 1 else network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    batches = len(digits.target) // workers // 16  # the same on every rank
    seconds = []
    for epoch in range(config["epochs"]):
        started = time.perf_counter(), time.process_time()
        for batch in torch.randperm(batches * 16).view(batches, 16):
            loss = cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if config["every_step"]:
                report({"loss": loss.item()})
        print(f"epoch {epoch} loss {loss.item():.4f}")
        report({"loss": loss.item(), "epoch": epoch})
        seconds.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    if rank == 0:
        Path(config["out"]).write_text(json.dumps(seconds))


def report_only(config):
    """Seconds per call of `report` when nothing else happens."""
    import ray.train  # noqa: PLC0415  # not under torchrun

    for index in range(config["calls"] + 200):
        if index == 200:
            started = time.perf_counter()
        ray.train.report({"loss": 1.0, "accuracy": 0.5, "epoch": index})
    if ray.train.get_context().get_world_rank() == 0:
        Path(config["out"]).write_text(json.dumps((time.perf_counter() - started) / config["calls"]))


def under_the_harness(config):
    import ray.train  # noqa: PLC0415  # not under torchrun

    train(config, ray.train.report)


if __name__ == "__main__":
    dist.init_process_group("gloo")
    train(json.loads(os.environ["BENCH_CONFIG"]), lambda metrics: None)
    dist.destroy_process_group()
