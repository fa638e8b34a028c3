"""The portal's web process alone, on the test session's servers: pages as a browser gets them, no job is run."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

from django.db import connection

from mlplatform.embedded import child, ports
from tests.stack import ROOT, SERVERS, START_LIMIT_S, wait_until_well


class WebAlone:
    """The process. It may be started again, at the same address: the socket that it listens on outlives it."""

    def __init__(self, listener: socket, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener = listener
        self._log = folder / "web.log"
        self._environment = {
            **os.environ,
            **SERVERS.environment(),
            "DJANGO_SETTINGS_MODULE": "mlplatform.settings",
            "MLP_DATABASE_URL": SERVERS.database_url(str(connection.settings_dict["NAME"])),
            "MLP_PORTAL_URL": self.url,
            "MLP_STORAGE": str(folder / "storage"),
        }

    def start(self) -> None:
        """Until it answers."""
        file = self._listener.fileno()
        command = (sys.executable, "-m", "uvicorn", "mlplatform.asgi:application", "--fd", str(file))
        self._process = child.spawn(
            command, environment=self._environment, folder=ROOT, log=self._log, inherited=(file,)
        ).process
        wait_until_well(self.url, self._log)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Until it is gone. Whoever asks meanwhile waits for the next one."""
        self._process.send_signal(how)
        self._process.wait(START_LIMIT_S)


@contextmanager
def web_alone(folder: Path) -> Iterator[WebAlone]:
    """Serve the tests' database."""
    listener = ports.web_listener(0)
    web = WebAlone(listener, folder)
    try:
        web.start()
        yield web
    finally:
        web.stop()
        listener.close()
