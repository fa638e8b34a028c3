"""The portal's web process alone, on the test session's servers: pages as a browser gets them, no job is run."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from mlplatform.embedded import child, ports
from tests.stack import ROOT, SERVERS, START_LIMIT_S, wait_until_well


@contextmanager
def web_alone(folder: Path) -> Iterator[str]:
    """Serve the tests' database; the address."""
    listener = ports.web_listener(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    environment = {
        **os.environ,
        **SERVERS.environment(),
        "DJANGO_SETTINGS_MODULE": "mlplatform.settings",
        "MLP_DATABASE_URL": SERVERS.database_url(str(connection.settings_dict["NAME"])),
        "MLP_PORTAL_URL": url,
        "MLP_STORAGE": str(folder / "storage"),
    }
    log = folder / "web.log"
    command = (sys.executable, "-m", "uvicorn", "mlplatform.asgi:application", "--fd", str(listener.fileno()))
    web = child.spawn(command, environment=environment, folder=ROOT, log=log, inherited=(listener.fileno(),))
    try:
        wait_until_well(url, log)
        yield url
    finally:
        web.process.terminate()
        web.process.wait(START_LIMIT_S)
        listener.close()
