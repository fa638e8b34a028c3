"""A real MLflow tracking server on a loopback port, for tests; it can be stopped and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

START_SECONDS = 60
STOP_SECONDS = 10
ENVIRONMENT = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


class MlflowServer:
    """The server process. `url` stays the same over restarts."""

    def __init__(self, home: Path, database: str) -> None:
        self._home = home
        self._database = database
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start and wait until it answers."""
        with (self._home / "mlflow.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *self._options()],
                env=os.environ | ENVIRONMENT,
                cwd=self._home,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise RuntimeError(
                    "MLflow did not start:\n" + (self._home / "mlflow.log").read_text()[-2000:]
                )
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop the server and its children."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_SECONDS)
        self._process = None

    def _options(self) -> list[str]:
        options = {
            "host": "127.0.0.1",
            "port": str(self._port),
            "workers": "1",
            "backend-store-uri": self._database,
            "artifacts-destination": str(self._home / "artifacts"),
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2, trust_env=False).is_success
        except httpx.TransportError:
            return False


@contextmanager
def running(home: Path, database: str) -> Iterator[MlflowServer]:
    """A started server with its artifacts in `home`; stopped at the end, whatever happens."""
    server = MlflowServer(home, database)
    server.start()
    try:
        yield server
    finally:
        server.stop()
