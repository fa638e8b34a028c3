"""Threads of the user's code that go on after its train function: they would print into the next run's log."""

import sys
import threading
import time
from pathlib import Path
from types import FrameType

from .code import CODE_DIR

# Whoever was told to end gets this long to do so.
GRACE_S = 1.0
PAUSE_S = 0.02


def outliving(code_dir: Path = CODE_DIR, grace_s: float = GRACE_S) -> list[str]:
    """Names of the threads that still run, or wait to run, code from the folder.

    Threads of libraries do not count: they serve the process, and many stay from their first use on.
    """
    deadline = time.monotonic() + grace_s
    while (names := _names(code_dir)) and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
    return names


def _names(code_dir: Path) -> list[str]:
    frames = sys._current_frames()
    others = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    return sorted(
        thread.name
        for thread in others
        if _lies_in(code_dir, _timed(thread)) or _is_inside(code_dir, frames.get(thread.ident or 0))
    )


def _is_inside(code_dir: Path, frame: FrameType | None) -> bool:
    while frame is not None:
        if _lies_in(code_dir, frame.f_code):
            return True
        frame = frame.f_back
    return False


def _timed(thread: threading.Thread) -> object:
    """What a timer will call: until then nothing of it is on the stack."""
    return getattr(getattr(thread, "function", None), "__code__", None)


def _lies_in(code_dir: Path, code: object) -> bool:
    return Path(getattr(code, "co_filename", "")).is_relative_to(code_dir)
