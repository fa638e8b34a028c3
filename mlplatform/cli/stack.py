"""The embedded stack as the demo needs it: the one that runs already, or one of our own until we end."""

import signal
import subprocess
import sys
import time
from types import TracebackType

from mlplatform.embedded.child import ends_with_parent
from mlplatform.embedded.home import Home
from mlplatform.embedded.state import StackState

# Without these no run can be trained; MLflow may follow later.
NEEDED = ("web", "worker", "clock", "ray")
READY_LIMIT_S = 300.0


class StackFailed(Exception):
    """The stack did not come up."""


class LocalStack:
    """Context manager around a running stack."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "LocalStack":
        if not self.home.is_running():
            command = [sys.executable, "-m", "mlplatform.embedded", "up"]
            self._process = subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                # A session of its own: Ctrl-C reaches us only, and we pass it on when we are done.
                start_new_session=True,
                # And if we are killed before we can.
                preexec_fn=ends_with_parent(signal.SIGTERM),  # noqa: PLW1509  see there
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()

    @property
    def is_ours(self) -> bool:
        """Whether it ends with us."""
        return self._process is not None

    def wait_ready(self, *names: str) -> StackState:
        """Block until the named services are well. Raises StackFailed naming what is not."""
        limit = time.monotonic() + READY_LIMIT_S
        state = None
        while time.monotonic() < limit:
            if self._process and self._process.poll() is not None:
                raise StackFailed(f"The stack ended while starting; its logs are in {self.home / 'logs'}.")
            state = StackState.read(self.home) if self.home.is_running() else None
            if state and state.is_well(*names):
                return state
            time.sleep(0.1)
        missing = [name for name in names if not state or not state.is_well(name)]
        raise StackFailed(
            f"Not ready after {READY_LIMIT_S:.0f} s: {', '.join(missing)}. Logs: {self.home / 'logs'}."
        )

    def wait_forever(self) -> None:
        """Until Ctrl-C, SIGTERM, or the end of the stack."""
        while self.home.is_running():
            time.sleep(0.5)
