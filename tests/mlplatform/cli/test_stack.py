"""The stack that a command brings up ends with the command, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mlplatform.embedded import processes
from mlplatform.embedded.home import Home

LIMIT_S = 60.0
# Brings a stack up and says so; a signal reaches it as it would reach `mlp demo`.
COMMAND = """
import os, sys, time
from mlplatform.cli.stack import LocalStack
from mlplatform.embedded.home import Home
with LocalStack(Home.locate(os.environ)) as stack:
    print(stack._process.pid, flush=True)
    time.sleep(120)
"""


def test_a_killed_command_takes_its_stack_along(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        env={**os.environ, "MLP_HOME": str(home.root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert command.stdout
    stack = processes.read(int(command.stdout.readline()))
    assert stack is not None
    limit = time.monotonic() + LIMIT_S
    while not home.is_running():
        assert time.monotonic() < limit
        time.sleep(0.05)
    command.send_signal(signal.SIGKILL)
    command.wait()
    command.stdout.close()
    while processes.is_alive(stack):
        assert time.monotonic() < limit
        time.sleep(0.05)
    assert not home.is_running()
