import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlplatform.embedded.home import Home
from mlplatform.embedded.state import Health, ServiceState, StackState


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


def call(home: Home, verb: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlplatform.embedded", verb]
    environment = {**os.environ, "MLP_HOME": str(home.root)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("verb", ["status", "stop"])
def test_without_a_stack(home: Home, verb: str) -> None:
    done = call(home, verb)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"No stack runs in {home.root}.")


def test_a_second_up_is_refused(home: Home) -> None:
    with home.locked() as lock:
        lock.announce("http://127.0.0.1:8000")
        done = call(home, "up")
    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert "http://127.0.0.1:8000" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_shows_the_table(home: Home) -> None:
    services = {"web": ServiceState("web", "http://127.0.0.1:8000", Health.READY, 4711)}
    with home.locked() as lock:
        lock.announce("http://127.0.0.1:8000")
        StackState(str(home.root), "http://127.0.0.1:8000", services=services).write(home)
        done = call(home, "status")
    assert done.returncode == 0
    assert "4711" in done.stdout
