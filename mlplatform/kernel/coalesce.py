"""Many calls for the same work become one that runs and one that waits."""

import threading
from collections.abc import Callable


class Coalesced:
    """Runs a function never twice at a time in this process, and once more if it was asked for meanwhile.

    Whoever calls while another caller already waits returns at once: that one starts later than the call.
    """

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._running = threading.Lock()
        self._waiting = threading.Lock()

    def __call__(self) -> None:
        """Run, wait and run, or leave it to the one that waits."""
        if not self._waiting.acquire(blocking=False):
            return
        try:
            self._running.acquire()
        finally:
            self._waiting.release()
        try:
            self._function()
        finally:
            self._running.release()
