import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from mlplatform.embedded import processes
from mlplatform.embedded.processes import Process

# Prints the number of a child that left the session, then waits.
FAMILY = """
import subprocess, sys, time
stray = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(stray.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    yield process
    asyncio.run(processes.end(processes.family(processes.scan(), known(process.pid), set()), patience_s=0))
    process.wait()
    assert process.stdout
    process.stdout.close()


def known(pid: int) -> set[Process]:
    process = processes.read(pid)
    return {process} if process else set()


def first_line(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    return int(process.stdout.readline())


def test_a_process_knows_itself() -> None:
    me = processes.read(os.getpid())
    assert me is not None
    assert (me.parent, me.session, me.is_zombie) == (os.getppid(), os.getsid(0), False)
    assert processes.is_alive(me)
    assert me in processes.scan()
    assert processes.memory(me) > 2**20


def test_nobody_has_this_number() -> None:
    gone = Process(2**22 + 1, 0, 0)
    assert processes.read(gone.pid) is None
    assert not processes.is_alive(gone)
    assert processes.memory(gone) == 0


def test_descendants_belong_to_the_family_in_whatever_session(parent: subprocess.Popen[str]) -> None:
    stray = first_line(parent)
    found = processes.family(processes.scan(), known(parent.pid), set())
    assert {process.pid for process in found} == {parent.pid, stray}


def test_a_session_is_a_family_too(parent: subprocess.Popen[str]) -> None:
    stray = first_line(parent)
    found = processes.family(processes.scan(), set(), {parent.pid})
    assert {process.pid for process in found} == {parent.pid, stray}


def test_survivors_of_a_killed_parent_are_found(parent: subprocess.Popen[str]) -> None:
    stray = first_line(parent)
    recorded = known(parent.pid) | known(stray)
    parent.kill()
    parent.wait()
    assert {process.pid for process in processes.survivors(recorded)} == {stray}
    asyncio.run(processes.end(processes.survivors(recorded), patience_s=5))
    assert not processes.survivors(recorded)


def test_a_recycled_number_is_somebody_else(parent: subprocess.Popen[str]) -> None:
    first_line(parent)
    now = processes.read(parent.pid)
    assert now is not None
    earlier = Process(now.pid, now.started - 1, now.session)
    assert processes.survivors({earlier}) == set()
    assert not processes.is_alive(earlier)
    processes.send(earlier, signal.SIGKILL)
    assert parent.poll() is None


def test_what_does_not_end_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    stubborn = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    first_line(stubborn)
    began = time.monotonic()
    asyncio.run(processes.end(known(stubborn.pid), patience_s=0.3))
    assert stubborn.wait(5) == -signal.SIGKILL
    assert time.monotonic() - began >= 0.3
    assert stubborn.stdout
    stubborn.stdout.close()


def test_a_boot_has_a_name() -> None:
    assert processes.boot() == processes.boot() != ""
