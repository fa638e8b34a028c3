import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlplatform.embedded import child as children
from mlplatform.embedded import processes
from mlplatform.embedded.child import Child

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
# A parent that leaves its child behind when it ends.
ORPHANS = (
    "import subprocess, sys, time; "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print('ready', flush=True); time.sleep(60)"
)
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('ready', flush=True); time.sleep(60)"
)


def spawn(folder: Path, *command: str, grace_s: float = 10.0) -> Child:
    log = folder / "child.log"
    return children.spawn(command, environment=os.environ, folder=folder, log=log, grace_s=grace_s)


def wait_for(folder: Path, text: str) -> None:
    limit = time.monotonic() + 10
    while text not in (folder / "child.log").read_text():
        assert time.monotonic() < limit
        time.sleep(0.02)


async def stop(child: Child, *, hurry: bool = False) -> None:
    event = asyncio.Event()
    if hurry:
        event.set()
    await child.stop(hurry=event)


def test_output_is_appended_to_the_log(tmp_path: Path) -> None:
    for word in ("one", "two"):
        assert spawn(tmp_path, sys.executable, "-c", f"print('{word}')").process.wait(10) == 0
    assert (tmp_path / "child.log").read_text() == "one\ntwo\n"


def test_a_child_leads_a_session(tmp_path: Path) -> None:
    child = spawn(tmp_path, *SLEEP)
    assert os.getsid(child.pid) == child.pid
    asyncio.run(stop(child))


def test_stopping_ends_the_family(tmp_path: Path) -> None:
    child = spawn(tmp_path, sys.executable, "-c", ORPHANS)
    wait_for(tmp_path, "ready")
    child.observe(processes.scan())
    family = child.members
    assert len(family) == 2
    assert child.memory() > 2**20
    asyncio.run(stop(child))
    assert child.exit_code() == -signal.SIGTERM
    assert not any(processes.is_alive(member) for member in family)


def test_orphans_of_a_dead_child_are_still_its_family(tmp_path: Path) -> None:
    child = spawn(tmp_path, sys.executable, "-c", ORPHANS)
    wait_for(tmp_path, "ready")
    child.observe(processes.scan())
    child.process.kill()
    child.process.wait()
    child.observe(processes.scan())
    assert len(child.members) == 1
    asyncio.run(stop(child))
    child.observe(processes.scan())
    assert not child.members


def test_a_child_that_ignores_the_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = spawn(tmp_path, sys.executable, "-c", STUBBORN, grace_s=0.2)
    wait_for(tmp_path, "ready")
    asyncio.run(stop(child))
    assert child.exit_code() == -signal.SIGKILL


def test_in_a_hurry_there_is_no_grace(tmp_path: Path) -> None:
    child = spawn(tmp_path, sys.executable, "-c", STUBBORN, grace_s=60)
    wait_for(tmp_path, "ready")
    began = time.monotonic()
    asyncio.run(stop(child, hurry=True))
    assert child.exit_code() == -signal.SIGKILL
    assert time.monotonic() - began < 2


def test_a_child_does_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from mlplatform.embedded import child; "
        f"one = child.spawn({SLEEP!r}, environment=os.environ, folder=Path('.'), log=Path({str(tmp_path)!r}) / 'log'); "
        "print(one.pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout
    child = processes.read(int(supervisor.stdout.readline()))
    assert child is not None
    supervisor.kill()
    supervisor.communicate()
    limit = time.monotonic() + 5
    while processes.is_alive(child):
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_large_log_is_moved_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LOG_LIMIT_BYTES", 3)
    log = tmp_path / "web.log"
    log.write_text("old!")
    children.rotate(log)
    assert log.read_text() == ""
    assert (tmp_path / "web.1.log").read_text() == "old!"
    log.write_text("new")
    children.rotate(log)
    assert log.read_text() == "new"
