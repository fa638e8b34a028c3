"""After which runs a worker group is used again. One rank, Ray's real storage code, no cluster."""

import threading
from functools import partial
from unittest.mock import Mock

import psutil
import pytest
from ray.train.v2._internal.execution.train_fn_utils import set_train_fn_utils

from runners.harness import execution
from runners.harness.code import load_entrypoint, user_code
from runners.harness.consensus import Consensus
from runners.harness.execution import Execution, Place
from runners.harness.leasing import Leasing
from runners.harness.protocol import Allocation, Lease, RecycleGroupError
from runners.harness.seeds import ProcessState
from runners.harness.system_metrics import Sampler
from runners.harness.threads import outliving

CODE = """
import sys, threading
import ray.train

def good(config): print("fine")

def stopped(config):
    while True:
        ray.train.report({"loss": 1.0})

def leaky(config):
    threading.Thread(target=sys.over.wait, name="in a library").start()
    threading.Thread(target=wait, name="in the code").start()

def wait(): sys.over.wait()

def leaky_and_stopped(config):
    leaky(config)
    stopped(config)
"""


@pytest.fixture
def execute(portal, client, tmp_path, monkeypatch):
    """Lease a run and execute it in this process, as an allocation would that asks for fresh processes or not."""
    (tmp_path / "train.py").write_text(CODE)
    monkeypatch.setattr(execution, "user_code", partial(user_code, tmp_path))
    monkeypatch.setattr(execution, "load_entrypoint", partial(load_entrypoint, code_dir=tmp_path))
    monkeypatch.setattr(execution, "outliving", partial(outliving, tmp_path, 0.1))
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    over = threading.Event()
    monkeypatch.setattr("sys.over", over, raising=False)

    def call(name, *, fresh_process=False, sampler=None, **more):
        run = portal.add(entrypoint=f"train:{name}", **more)
        lease = Lease.from_json(client.post("/leases", {"group": "one", "environment": {}}).body["run"])
        allocation = Allocation(
            id="1",
            url=portal.url,
            token=portal.token,
            workers=1,
            cpus_per_worker=1,
            gpus_per_worker=0,
            memory_per_worker=0,
            storage_path=str(tmp_path),
            fresh_process=fresh_process,
            system_metrics_s=0,
        )
        consensus = Consensus(None, 0, 1)
        place = Place(allocation, client, consensus, ProcessState.take(), Leasing(client), sampler=sampler)
        return run, Execution(place, lease)

    yield call
    over.set()
    set_train_fn_utils(None)


@pytest.mark.parametrize(("name", "state"), [("good", "completed"), ("missing", "failed")])
def test_a_group_is_used_again(execute, name, state):
    run, made = execute(name)
    made.run()
    assert run.state == state


@pytest.mark.parametrize(
    "error", [psutil.AccessDenied(), PermissionError("hidden"), NotImplementedError(), ValueError("odd line")]
)
def test_a_machine_that_cannot_be_looked_at_costs_no_run(execute, monkeypatch, error):
    sampler = Sampler(0, 1, 0.1)
    monkeypatch.setattr("psutil.net_io_counters", Mock(side_effect=error))
    for _ in range(2):
        run, made = execute("good", sampler=sampler)
        made.run()
        assert run.state == "completed"
        assert run.log.count(f"of its machine cannot be told: {error!r}.") == 1


@pytest.mark.parametrize(("name", "state"), [("good", "completed"), ("missing", "failed")])
def test_not_if_the_experiment_asks_for_fresh_processes(execute, name, state):
    run, made = execute(name, fresh_process=True)
    with pytest.raises(RecycleGroupError, match="fresh process"):
        made.run()
    assert run.state == state


@pytest.mark.parametrize(("name", "state"), [("leaky", "completed"), ("leaky_and_stopped", "stopped")])
def test_not_while_the_code_goes_on_in_a_thread(execute, name, state):
    run, made = execute(name, stop_at_step=1)
    with pytest.raises(RecycleGroupError, match="threads of it go on"):
        made.run()
    assert run.state == state
    assert "go on after its end (in the code)" in run.log


@pytest.mark.parametrize(("name", "state"), [("good", "completed"), ("missing", "failed")])
def test_not_if_the_process_group_is_gone(execute, monkeypatch, name, state):
    run, made = execute(name)
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: False)
    with pytest.raises(RecycleGroupError, match="destroyed torch's process group"):
        made.run()
    assert run.state == state
