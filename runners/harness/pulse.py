"""Keeps a run's lease alive while user code keeps the uploader from running.

The uploader is a thread: C code that holds Python's lock for longer than a lease (reading one huge JSON file, a long
sort) would silence a healthy run. So rank 0 has a companion, a small process without torch. It is told of every batch
that got through, and sends a heartbeat itself when it has heard nothing for a while and the worker process is still
there and running. It ends with the worker, however that ends.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from .client import PortalAwayError, PortalClient
from .protocol import Lease

# With the uploader's own pace (a heartbeat every 3 s) the companion is silent as long as that works.
SILENCE_S = 4.5
TIMEOUT_S = 4.0
MENTION_EVERY_S = 1.0
REST = b"{}\n"


class Pulse:
    """The worker's end. Used by rank 0 only; nothing here blocks."""

    def __init__(self, url: str, token: str, silence_s: float = SILENCE_S) -> None:
        root = Path(__file__).parents[len(str(__package__).split("."))]
        self._process = subprocess.Popen(
            # -S: nothing but the standard library is needed, and site packages may import much at start.
            [sys.executable, "-S", "-m", f"{__package__}.pulse"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": str(root)},
        )
        assert self._process.stdin is not None
        self.pid = self._process.pid
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        self._beat = REST
        self._mentioned = 0.0
        self._write({"url": url, "token": token, "parent": os.getpid(), "silence_s": silence_s})

    def begin(self, lease: Lease) -> None:
        """From now on keep this lease alive."""
        beat = {"run": lease.run_id, "attempt": lease.attempt, "fence": lease.fence}
        self._beat = json.dumps(beat).encode() + b"\n"
        self._mentioned = 0.0
        self.heard()

    def heard(self) -> None:
        """A batch got through, so no heartbeat is needed for now."""
        now = time.monotonic()
        if now - self._mentioned >= MENTION_EVERY_S:
            self._mentioned = now
            self._write_line(self._beat)

    def rest(self) -> None:
        """There is no lease to keep."""
        self._beat = REST
        self._write_line(REST)

    def close(self) -> None:
        """End the companion."""
        assert self._process.stdin is not None
        # What does not fit into the pipe of a companion that has died is of no use to anybody.
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait(timeout=2 * TIMEOUT_S)

    def _write(self, content: dict[str, Any]) -> None:
        self._write_line(json.dumps(content).encode() + b"\n")

    def _write_line(self, line: bytes) -> None:
        # Full while the companion waits for a portal that hangs, or closed because it was killed.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._pipe, line)


def is_running(pid: int) -> bool:
    """Whether our parent is still this process, and not stopped by a signal or a debugger."""
    if os.getppid() != pid:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state not in {"T", "t"}


def main() -> None:
    """The companion's life: what stdin says last is the lease to keep; its end is ours."""
    lines = _Lines()
    setup = lines.wait(None)
    if not setup:
        return
    client = PortalClient(setup["url"], setup["token"], timeout_s=TIMEOUT_S)
    beat: dict[str, Any] = {}
    while True:
        told = lines.wait(setup["silence_s"])
        if lines.ended or os.getppid() != setup["parent"]:
            return
        if told is not None:
            beat = told
        elif beat and is_running(setup["parent"]):
            # The portal's "no" is for the uploader to find out about; a portal that is away is asked again.
            with contextlib.suppress(PortalAwayError):
                client.post("/heartbeats", beat)


class _Lines:
    """JSON lines from stdin."""

    def __init__(self) -> None:
        self.ended = False
        self._complete: deque[bytes] = deque()
        self._rest = b""

    def wait(self, timeout_s: float | None) -> dict[str, Any] | None:
        """The next line; None if none came in time or the other end is closed."""
        if not self._complete and select.select([0], [], [], timeout_s)[0]:
            chunk = os.read(0, 1 << 16)
            self.ended = not chunk
            *complete, self._rest = (self._rest + chunk).split(b"\n")
            self._complete += complete
        return dict(json.loads(self._complete.popleft())) if self._complete else None


if __name__ == "__main__":
    main()
