import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mlplatform.embedded import processes
from mlplatform.embedded.home import Home
from mlplatform.embedded.state import Health, ServiceState, StackState, leftovers


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def state(home: Home) -> StackState:
    web = ServiceState("web", "http://127.0.0.1:8000", Health.READY, pid=7, restarts=2, memory=2**20)
    setup = ServiceState("setup", health=Health.DONE)
    return StackState(str(home.root), "http://127.0.0.1:8000", services={"web": web, "setup": setup})


def test_what_is_written_is_read(home: Home, state: StackState) -> None:
    me = processes.read(os.getpid())
    assert me is not None
    state.services["web"].remember({me})
    state.signup_open = False
    state.write(home)
    assert StackState.last(home) == state
    assert stat.S_IMODE(home.state_file.stat().st_mode) == 0o600


def test_only_a_running_stack_has_a_state(home: Home, state: StackState) -> None:
    state.write(home)
    assert StackState.read(home) is None
    with home.locked() as lock:
        assert StackState.read(home) is None, "the file may be the killed predecessor's"
        lock.announce(state.portal_url)
        assert StackState.read(home) == state


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"home": 1, "services": {}}'])
def test_a_broken_file_is_no_state(home: Home, content: str) -> None:
    home.state_file.write_text(content)
    assert StackState.last(home) is None
    assert leftovers(home) == set()


def test_ready_means_everything(state: StackState) -> None:
    assert state.is_ready
    assert state.is_well("web", "setup")
    assert not state.is_well("web", "ray")
    assert not StackState("/", "http://x").is_ready


def test_one_silent_service_is_enough_not_to_be_ready(state: StackState) -> None:
    state.services["web"].health = Health.SILENT
    assert not state.is_ready


def test_leftovers_are_what_still_runs(home: Home, state: StackState) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    found = processes.read(process.pid)
    assert found is not None
    state.services["web"].remember({found})
    state.write(home)
    assert leftovers(home) == {found}
    process.kill()
    process.wait()
    assert leftovers(home) == set()


def test_another_boots_numbers_mean_nothing(home: Home, state: StackState) -> None:
    me = processes.read(os.getpid())
    assert me is not None
    state.services["web"].remember({me})
    state.boot = "another"
    state.write(home)
    assert leftovers(home) == set()
