"""User code for the Ray tests: one train function per thing that can happen to a run."""

# ruff: noqa: T201  # users print

import contextlib
import ctypes
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import ray.train
import ray.train.torch
import torch
import torch.distributed as dist


def rank():
    return ray.train.get_context().get_world_rank()


def step_together(model, optimizer):
    """One DDP step: it waits for the other rank."""
    optimizer.zero_grad()
    model(torch.randn(8, 4)).pow(2).mean().backward()
    optimizer.step()


def learner():
    model = ray.train.torch.prepare_model(torch.nn.Linear(4, 1))
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def happy(config):
    context = ray.train.get_context()
    print(f"rank {rank()} of {context.get_world_size()} in {context.get_experiment_name()}")
    print(
        f"cwd {Path.cwd().name}; token {os.environ.get('MLP_ALLOCATION_TOKEN')}; seed {torch.initial_seed()}"
    )
    ctypes.CDLL(None).puts(b"from C")
    os.environ["LEFT_BEHIND"] = os.environ.get("LEFT_BEHIND", "") + "x"
    print("left behind:", os.environ["LEFT_BEHIND"], "pid", os.getpid())
    model, optimizer = learner()
    for epoch in range(config["epochs"]):
        step_together(model, optimizer)
        ray.train.report({"loss": torch.tensor(1.0 / (epoch + 1)), "deep": {"epoch": epoch}, "note": "text"})


def checkpointing(config):
    """Every rank saves its part; with `die_at`, rank 1 dies once after that epoch."""
    model, optimizer = learner()
    first, checkpoint = 0, ray.train.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            first = int(Path(folder, "epoch").read_text()) + 1
            print(f"resume at {first} with", sorted(path.name for path in Path(folder).iterdir()))
    for epoch in range(first, config["epochs"]):
        step_together(model, optimizer)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, f"rank{rank()}").write_text("weights")
            if rank() == 0:
                Path(folder, "epoch").write_text(str(epoch))
            ray.train.report({"epoch": epoch}, checkpoint=ray.train.Checkpoint.from_directory(folder))
        assert Path(ray.train.get_checkpoint().path, "rank1").exists()
        if config.get("die_at") == epoch and first == 0 and rank() == 1:
            time.sleep(1.5)  # let the news of the checkpoint out
            os._exit(1)
    assert len(ray.train.get_all_reported_checkpoints()) == config["epochs"] - first


def one_rank_saves(config):
    """Only rank 1 has a checkpoint; rank 0 learns where it is."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "weights").write_text("x")
        ray.train.report({"loss": 1.0}, ray.train.Checkpoint.from_directory(folder) if rank() == 1 else None)
    assert Path(ray.train.get_checkpoint().path, "weights").exists()


def endless(config):
    model, optimizer = learner()
    for epoch in range(10**6):
        step_together(model, optimizer)
        time.sleep(0.01)
        ray.train.report({"loss": 1.0 / (epoch + 1)})
        print(f"epoch {epoch} done")


def endless_and_stubborn(config):
    """Swallows everything, even what is not an Exception."""
    try:
        endless(config)
    except BaseException as error:  # noqa: BLE001
        print("swallowed", type(error).__name__)


def uneven(config):
    """Rank 0 reports three times more often than rank 1."""
    for number in range(4 if rank() == 0 else 1):
        ray.train.report({"number": number})


def raising(config):
    """One rank fails and leaves a mess behind; the other hangs and is killed."""
    leave_process()
    model, optimizer = learner()
    for epoch in range(1000):
        step_together(model, optimizer)
        ray.train.report({"loss": 1.0})
        if epoch == 2 and rank() == config["rank"]:
            leave_thread()
            raise ValueError("boom on purpose")


def exiting(config):
    ray.train.report({"loss": 1.0})
    sys.exit(3)


def destroying(config):
    """Code written for torchrun often ends like this."""
    ray.train.report({"loss": 1.0})
    dist.destroy_process_group()


def slow(config):
    for epoch in range(config["epochs"]):
        time.sleep(0.1)
        print(f"line {epoch} of rank {rank()}")
        ray.train.report({"epoch": epoch})
        if epoch == config.get("raise_at") and rank() == 1:
            raise ValueError("boom while nobody listens")
        if epoch == config.get("raise_at"):
            time.sleep(600)


def pausing(config):
    """Every third epoch is saved, by rank 1 only."""
    model, optimizer = learner()
    for epoch in range(1, 10**6):
        step_together(model, optimizer)
        time.sleep(0.05)
        with tempfile.TemporaryDirectory() as folder:
            saved = epoch % 3 == 0 and rank() == 1
            ray.train.report({"epoch": epoch}, ray.train.Checkpoint.from_directory(folder) if saved else None)
        print(f"epoch {epoch} done")


def leaking(config):
    """Leaves a checkpoint, a process, a thread that reports, a process group and used random generators behind."""
    print("drawn", random.random(), float(np.random.rand()), float(torch.rand(())))
    with tempfile.TemporaryDirectory() as folder:
        ray.train.report({"loss": 1.0}, checkpoint=ray.train.Checkpoint.from_directory(folder))
    dist.new_group([0, 1])
    leave_process()
    leave_thread()


def leave_process():
    print("child", subprocess.Popen(["sleep", "600"]).pid)


def leave_thread():
    threading.Thread(target=report_forever, daemon=True).start()


def report_forever():
    while True:
        with contextlib.suppress(BaseException):
            ray.train.report({"leaked": 1.0})
        time.sleep(0.02)


def looking_around(config):
    print("drawn", random.random(), float(np.random.rand()), float(torch.rand(())))
    print("checkpoint", ray.train.get_checkpoint(), "of", ray.train.get_context().get_experiment_name())
    print(
        "threads", sorted(thread.name for thread in threading.enumerate() if "report_forever" in thread.name)
    )
    for _ in range(10):
        time.sleep(0.05)
        dist.all_reduce(torch.ones(1))
        ray.train.report({"loss": 1.0})
