"""Many calls for the same work become one that runs and one that waits."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


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


class TakingTurns(Generic[Key]):
    """Runs a function for one key after the other, never two at a time in this process, in the order of asking.

    Whoever calls while another caller works leaves the key to that one; asked for twice before its turn is asked for
    once. A caller works off `most` keys; what is left then, or after an error, waits for the next call.
    """

    def __init__(self, function: Callable[[Key], None], *, most: int = 20) -> None:
        self._function = function
        self._most = most
        self._lock = threading.Lock()
        self._asked: dict[Key, None] = {}
        self._working = False

    def __call__(self, key: Key) -> None:
        """Ask for a turn of this key, and work unless somebody does."""
        with self._lock:
            self._asked[key] = None
            if self._working:
                return
            self._working = True
        try:
            for _ in range(self._most):
                following = self._next()
                if following is None:
                    return
                self._function(following)
        except BaseException:
            self._working = False
            raise
        self._working = False

    def _next(self) -> Key | None:
        """None ends the work, decided under the lock: nobody leaves a key to one who has just finished."""
        with self._lock:
            key = next(iter(self._asked), None)
            if key is None:
                self._working = False
            else:
                del self._asked[key]
            return key
