"""What a run leaves running is ended; what the process needs is not."""

import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import resource_tracker

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from runners.harness.children import children, end_children


@pytest.fixture(autouse=True)
def before():
    known = children()
    yield known
    end_children(known)


def sleeper():
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_a_forgotten_process_is_ended_and_reaped(before):
    kept, left = sleeper(), sleeper()
    assert {kept.pid, left.pid} <= children()
    assert end_children(before | {kept.pid}) == 1
    assert children() == before | {kept.pid}
    assert kept.poll() is None
    assert end_children(before) == 1
    assert left.poll() is not None


def test_workers_of_a_data_loader_are_ended(before):
    loader = DataLoader(TensorDataset(torch.arange(8)), num_workers=2, persistent_workers=True)
    # In the main thread, where no train function runs, torch would set a signal handler that raises.
    with ThreadPoolExecutor(1) as train:
        iterator = train.submit(lambda: iter(loader)).result()
    next(iterator)
    assert len(children() - before) >= 2
    assert end_children(before) >= 2
    del iterator


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_helpers_of_multiprocessing_survive_and_still_work(before, method):
    context = multiprocessing.get_context(method)
    process = context.Process(target=time.sleep, args=(60,))
    process.start()
    assert end_children(before) == 1
    process.join(timeout=10)
    assert not process.is_alive()
    resource_tracker.ensure_running()
    again = context.Process(target=int)
    again.start()
    again.join(timeout=30)
    assert again.exitcode == 0


def test_nothing_to_do_is_fine(before):
    assert end_children(before) == 0
    assert os.getpid() not in children()
