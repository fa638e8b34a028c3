"""Servers for tests: throw-away PostgreSQL and Valkey for the session, and whole embedded stacks."""

import asyncio
import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from mlplatform.embedded import child, postgres, probes, processes, valkey
from mlplatform.embedded.child import Child
from mlplatform.embedded.home import Home
from mlplatform.embedded.probes import Probe
from mlplatform.embedded.processes import Process
from mlplatform.embedded.state import StackState

ROOT = Path(__file__).parents[1]
DATABASE = "mlplatform"
START_LIMIT_S = 60.0
STACK_LIMIT_S = 240.0


class Servers:
    """PostgreSQL and Valkey on Unix sockets in a temporary folder. The addresses are known before the start."""

    def __init__(self, *, durable: bool = False) -> None:
        # Tests need no data to survive a crash; benchmarks must not win by that.
        self._durable = durable
        # Not pytest's folder: its path may be too long for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="mlp-test-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._data = self.folder / "data"
        self._sockets = self.folder / "postgres"
        self._valkey = self.folder / "valkey.sock"
        self.children: list[Child] = []

    def environment(self) -> dict[str, str]:
        """Settings of a portal that uses them. MLflow and Ray are not there."""
        return {
            "MLP_SECRET_KEY": "only for tests",
            "MLP_DATABASE_URL": self.database_url(),
            "MLP_VALKEY_URL": valkey.url(self._valkey),
            "MLP_MLFLOW_URL": "http://127.0.0.1:1",
            "MLP_RAY_ADDRESS": "http://127.0.0.1:1",
            "MLP_RAY_CPUS": "2",
            "MLP_STORAGE": str(self.folder / "storage"),
            "MLP_PORTAL_URL": "http://127.0.0.1:8000",
            # Tests and benchmarks call as often as they like.
            "MLP_API_RATE": "0",
        }

    def database_url(self, name: str = DATABASE, *, driver: str = "postgresql") -> str:
        """Where a database of the server is."""
        return postgres.url(self._sockets, name, driver=driver)

    def start(self) -> None:
        """Start both and wait until they answer."""
        self._spawn("valkey", valkey.command(self.folder, self._valkey, persistent=self._durable))
        postgres.initialise(self._data, [DATABASE], sync=self._durable)
        postgres.prepare_folder(self._sockets)
        settings = {**postgres.SETTINGS, **({} if self._durable else postgres.UNSAFE_SETTINGS)}
        self._spawn("postgres", postgres.command(self._data, self._sockets, settings), signal.SIGINT)
        asyncio.run(self._ready(probes.valkey(self._valkey), probes.postgres(self._data, self._sockets)))

    def stop(self) -> None:
        """Stop both."""
        for server in self.children:
            server.process.send_signal(server.stop_signal)
            server.process.wait(START_LIMIT_S)

    def _spawn(self, name: str, command: list[str], stop_signal: signal.Signals = signal.SIGTERM) -> None:
        log = self.folder / f"{name}.log"
        server = child.spawn(
            tuple(command), environment=os.environ, folder=self.folder, log=log, stop_signal=stop_signal
        )
        self.children.append(server)

    async def _ready(self, *waiting: Probe) -> None:
        async with asyncio.timeout(START_LIMIT_S):
            for probe in waiting:
                while not await probe():
                    await asyncio.sleep(0.02)


class EmbeddedStack:
    """`python -m mlplatform.embedded up` as a process, in a home of its own."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The portal."""
        return self.state().portal_url

    def secret(self, name: str) -> str:
        """A generated secret: demo_password, admin_password, ray_token."""
        return self.home.secret_file(name).read_text().strip()

    def state(self) -> StackState:
        """What runs now."""
        state = StackState.read(self.home)
        assert state is not None, "the stack is not running"
        return state

    def up(self, *names: str) -> StackState:
        """Start, and wait until these services (all, if none is named) are well."""
        # Ends with us, whatever ends us: nothing may be left on the machine of whoever runs the tests.
        self.process = child.spawn(
            (sys.executable, "-m", "mlplatform.embedded", "up"),
            environment={**os.environ, "MLP_HOME": str(self.home.root)},
            folder=ROOT,
            log=self.home.root.with_suffix(".log"),
        ).process
        return self.wait(*names)

    def wait(self, *names: str) -> StackState:
        """Wait until these services (all, if none is named) are well."""
        return self.wait_until(lambda state: state.is_well(*names) if names else state.is_ready)

    def wait_until(self, true: Callable[[StackState], bool], limit_s: float = STACK_LIMIT_S) -> StackState:
        """Wait until this is true of the state."""
        assert self.process is not None
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            assert self.process.poll() is None, f"`up` ended with exit code {self.process.returncode}"
            state = StackState.read(self.home)
            if state and true(state):
                return state
            time.sleep(0.1)
        raise AssertionError(f"not so after {limit_s:.0f} s: {StackState.last(self.home)}\n{self._logs()}")

    def family(self) -> set[Process]:
        """The supervisor and everything that runs under it now."""
        assert self.process is not None
        everything = processes.scan()
        return processes.family(everything, {one for one in everything if one.pid == self.process.pid}, set())

    def down(self) -> int:
        """Stop with SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def _logs(self) -> str:
        logs = sorted((self.home / "logs").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in logs)


SERVERS = Servers()


def wait_until_well(url: str, log: Path) -> None:
    """Until the portal there answers; its log ends the wait of one that does not."""
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        try:
            if httpx.get(f"{url}/healthz", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"The portal does not answer:\n{log.read_text()[-3000:]}")
