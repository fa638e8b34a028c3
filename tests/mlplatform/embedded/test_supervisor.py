"""The supervisor on small services; the real ones are in test_lifecycle."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mlplatform.embedded import supervisor as supervisors
from mlplatform.embedded.errors import AlreadyRunning, StackError
from mlplatform.embedded.home import Home
from mlplatform.embedded.services import Service
from mlplatform.embedded.state import Health, StackState
from mlplatform.embedded.supervisor import Supervisor

LIMIT_S = 20.0


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def lasting(name: str, **options: Any) -> Service:
    return Service(name, (python("import time; time.sleep(60)"),), os.environ, **options)


class Running:
    """A supervisor in the background, and everything that it told."""

    def __init__(self, home: Home) -> None:
        self.told: list[tuple[str, Health]] = []
        self.state: StackState | None = None
        self.supervisor = Supervisor(home, os.environ, self._tell)

    def _tell(self, state: StackState) -> None:
        self.state = state
        for row in state.services.values():
            if next((health for name, health in reversed(self.told) if name == row.name), None) != row.health:
                self.told.append((row.name, row.health))

    async def until(self, true: Callable[[StackState], bool]) -> StackState:
        async with asyncio.timeout(LIMIT_S):
            while self.state is None or not true(self.state):
                await asyncio.sleep(0.02)
        return self.state

    def order(self, health: Health) -> list[str]:
        return [name for name, now in self.told if now is health]


Start = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def start(home: Home, monkeypatch: pytest.MonkeyPatch) -> Start:
    @asynccontextmanager
    async def running(*services: Service) -> AsyncIterator[Running]:
        monkeypatch.setattr(supervisors, "declare", lambda *_: services)
        monkeypatch.setattr(supervisors, "OBSERVE_S", 0.05)
        monkeypatch.setattr(supervisors, "PROBE_S", 0.05)
        running = Running(home)
        task = asyncio.create_task(running.supervisor.run())
        try:
            yield running
        finally:
            running.supervisor.stop()
            await task

    return running


def switch(*answers: bool) -> Callable[[], Awaitable[bool]]:
    """A probe with these answers, the last one for ever."""
    left = list(answers)

    async def probe() -> bool:
        return left.pop(0) if len(left) > 1 else left[0]

    return probe


async def test_services_start_after_and_stop_before_those_they_need(start: Start) -> None:
    services = (
        lasting("low", probe=switch(False, False, True)),
        lasting("mid", after=("low",)),
        lasting("top", after=("mid",)),
    )
    async with start(*services) as running:
        await running.until(lambda state: state.is_ready)
    assert running.order(Health.READY) == ["low", "mid", "top"]
    assert running.order(Health.STOPPED) == ["top", "mid", "low"]
    assert running.told.index(("low", Health.READY)) < running.told.index(("mid", Health.STARTING))


async def test_independent_services_do_not_wait(start: Start) -> None:
    async with start(lasting("slow", probe=switch(False)), lasting("quick")) as running:
        state = await running.until(lambda state: state.is_well("quick"))
        assert state.services["slow"].health is Health.STARTING


async def test_a_dead_service_is_started_again(start: Start) -> None:
    async with start(lasting("web")) as running:
        state = await running.until(lambda state: state.is_ready)
        first = state.services["web"].pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        state = await running.until(lambda state: state.is_ready and state.services["web"].restarts == 1)
        assert state.services["web"].pid not in {None, first}


async def test_a_failing_service_is_tried_again_with_growing_pauses(start: Start, home: Home) -> None:
    service = Service("bad", (python("print('went wrong'); raise SystemExit(3)"),), os.environ)
    async with start(service) as running:
        began = time.monotonic()
        state = await running.until(lambda state: state.services["bad"].restarts >= 3)
        assert "exit code 3; again in 2 s" in state.services["bad"].note
        assert str(home.log("bad")) in state.services["bad"].note
        assert time.monotonic() - began >= 1.5
    assert "went wrong" in home.log("bad").read_text()


async def test_a_task_runs_once_before_those_that_need_it(start: Start) -> None:
    setup = Service("setup", (python("print(1)"), python("print(2)")), os.environ, once=True)
    async with start(setup, lasting("web", after=("setup",))) as running:
        state = await running.until(lambda state: state.is_ready)
        assert state.services["setup"].health is Health.DONE
        assert running.supervisor.home.log("setup").read_text() == "1\n2\n"


async def test_a_failed_task_is_repeated_and_holds_the_others_back(start: Start, tmp_path: Path) -> None:
    flag = f"Path({str(tmp_path / 'flag')!r})"
    code = f"from pathlib import Path; ok = {flag}.exists(); {flag}.touch(); raise SystemExit(not ok)"
    setup = Service("setup", (python(code),), os.environ, once=True)
    async with start(setup, lasting("web", after=("setup",))) as running:
        state = await running.until(lambda state: state.is_ready)
        assert state.services["setup"].restarts == 1
    assert running.told.index(("setup", Health.RESTARTING)) < running.told.index(("web", Health.STARTING))


async def test_a_preparation_that_fails_is_told_and_repeated(start: Start) -> None:
    tries: list[int] = []

    def prepare() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise StackError("no room on the disk")

    async with start(lasting("db", prepare=prepare)) as running:
        state = await running.until(lambda state: state.services["db"].restarts == 1)
        assert "no room on the disk" in state.services["db"].note
        await running.until(lambda state: state.is_ready)


async def test_a_silent_service_is_shown(start: Start) -> None:
    probe = switch(True, False, True, False, False, False, True)
    async with start(lasting("web", probe=probe)) as running:
        await running.until(lambda state: state.services["web"].health is Health.SILENT)
        state = await running.until(lambda state: state.is_ready)
        assert state.services["web"].restarts == 0


async def test_a_service_that_stays_silent_is_started_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisors, "SILENCE_LIMIT_S", 0.3)
    async with start(lasting("web", probe=switch(False))) as running:
        state = await running.until(lambda state: state.services["web"].restarts == 1)
        assert "no answer" in state.services["web"].note


async def test_a_second_stop_is_in_a_hurry(start: Start) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    async with start(Service("stubborn", (python(code),), os.environ, grace_s=60)) as running:
        await running.until(lambda state: state.is_ready)
        await asyncio.sleep(0.3)
        running.supervisor.stop()
        began = time.monotonic()
    assert time.monotonic() - began < 5


async def test_a_bug_ends_the_stack_and_is_raised(start: Start) -> None:
    async def probe() -> bool:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        async with start(lasting("other"), lasting("web", probe=probe)) as running:
            await running.until(lambda state: state.services["other"].health is Health.STOPPED)
    assert caught.group_contains(ZeroDivisionError)


async def test_memory_and_family_are_written_down(start: Start, home: Home) -> None:
    async with start(lasting("web")) as running:
        state = await running.until(lambda state: state.services["web"].memory > 0)
        assert [member[0] for member in state.services["web"].members] == [state.services["web"].pid]
        assert StackState.read(home) is not None
    last = StackState.last(home)
    assert last is not None
    assert last.services["web"].members == []


async def test_one_home_one_stack(start: Start, home: Home) -> None:
    async with start(lasting("web")) as running:
        await running.until(lambda state: state.is_ready)
        with pytest.raises(AlreadyRunning, match=r"already runs in .* portal http://127.0.0.1:"):
            await Supervisor(home, os.environ).run()


async def test_a_state_that_cannot_be_written_ends_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(state: StackState, home: Home) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(StackState, "write", write)
    async with start(lasting("web")) as running:
        await running.until(lambda state: state.is_ready)


async def test_what_runs_beside_is_left_alone(start: Start) -> None:
    beside = await asyncio.create_subprocess_exec(*python("import time; time.sleep(60)"))
    async with start(lasting("web")) as running:
        await running.until(lambda state: state.is_ready)
    assert beside.returncode is None
    beside.kill()
    await beside.wait()
