"""The companion that keeps a lease alive while user code holds the interpreter's lock."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mlplatform.embedded import processes
from runners.harness.pulse import Pulse, is_running
from tests.runners.harness.conftest import eventually
from tests.runners.harness.fake_portal import TOKEN

# Long against what a busy machine adds to a short sleep.
SILENCE_S = 0.8

# A worker that says nothing more once it has begun: its interpreter is busy with one long call in C.
WORKER = """
import ctypes, sys
from runners.harness.protocol import Lease
from mlplatform.embedded import processes
from runners.harness.pulse import Pulse

pulse = Pulse(sys.argv[1], sys.argv[2], silence_s=0.8)
pulse.begin(Lease(sys.argv[3], "", "", 1, int(sys.argv[4]), 0, {}, "train:train", None, 0, None))
print(pulse.pid, flush=True)
ctypes.PyDLL(None).sleep(60)  # PyDLL keeps the lock
"""


@pytest.fixture
def pulse(portal):
    pulse = Pulse(portal.url, TOKEN, silence_s=SILENCE_S)
    yield pulse
    pulse.close()


def test_silence_is_filled_with_heartbeats(portal, lease, pulse):
    pulse.begin(lease)
    eventually(lambda: len(portal.heartbeats) >= 2)
    assert portal.heartbeats[0] == {"run": lease.run_id, "attempt": lease.attempt, "fence": lease.fence}


def test_none_is_sent_while_batches_get_through_or_there_is_no_lease(portal, lease, pulse, monkeypatch):
    monkeypatch.setattr("runners.harness.pulse.MENTION_EVERY_S", 0.0)
    time.sleep(3 * SILENCE_S)
    pulse.begin(lease)
    for _ in range(10):
        time.sleep(SILENCE_S / 4)
        pulse.heard()
    pulse.rest()
    time.sleep(3 * SILENCE_S)
    assert portal.heartbeats == []


def test_an_outage_and_a_refusal_are_survived(portal, lease, pulse):
    portal.stop()
    pulse.begin(lease)
    time.sleep(3 * SILENCE_S)
    portal.start()
    eventually(lambda: portal.heartbeats)
    portal.runs[lease.run_id].fence += 1
    before = len(portal.heartbeats)
    eventually(lambda: len(portal.heartbeats) > before)


def test_a_companion_that_was_killed_hurts_nobody(pulse, lease):
    os.kill(pulse.pid, signal.SIGKILL)
    time.sleep(0.1)
    pulse.begin(lease)
    pulse.heard()


def test_a_worker_that_holds_the_interpreters_lock_keeps_its_lease_until_it_dies(portal, lease):
    command = [sys.executable, "-c", WORKER, portal.url, TOKEN, lease.run_id, str(lease.fence)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        companion = processes.read(int(worker.stdout.readline()))
        assert companion
        eventually(lambda: len(portal.heartbeats) >= 3)
        os.kill(worker.pid, signal.SIGSTOP)
        time.sleep(2 * SILENCE_S)
        stopped = len(portal.heartbeats)
        time.sleep(3 * SILENCE_S)
        assert len(portal.heartbeats) == stopped, "a process that does not run is not alive"
        os.kill(worker.pid, signal.SIGCONT)
        eventually(lambda: len(portal.heartbeats) > stopped)
        worker.kill()
    eventually(lambda: not processes.is_alive(companion))


def test_another_process_is_not_our_parent():
    assert is_running(os.getppid())
    assert not is_running(os.getpid())
