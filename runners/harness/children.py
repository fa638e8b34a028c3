"""Processes that a run started and left behind are ended with it: data loader workers, pools, servers."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Set
from pathlib import Path

REAP_S = 1.0
# They serve the process rather than a run, and the libraries that started them do not survive their loss.
HELPERS = (b"resource_tracker", b"multiprocessing.forkserver", b"torch/_inductor/compile_worker")
_FORK_SERVER = b"multiprocessing.forkserver"


def children(pid: int | None = None) -> frozenset[int]:
    """The child processes of a process, by default of this one."""
    found: set[int] = set()
    tasks = Path(f"/proc/{pid or os.getpid()}/task")
    # A task or the whole process may end while we look.
    with contextlib.suppress(OSError):
        for task in tasks.iterdir():
            with contextlib.suppress(OSError):
                found.update(map(int, (task / "children").read_bytes().split()))
    return frozenset(found)


def end_children(keep: Set[int]) -> int:
    """Kill this process's children except `keep` and libraries' helpers; return how many there were."""
    ended: set[int] = set()
    for pid in children() - keep:
        command = _command(pid)
        if not any(name in command for name in HELPERS):
            ended.add(pid)
        elif _FORK_SERVER in command:
            ended |= children(pid)
    for pid in ended:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _reap(ended)
    return len(ended)


def _reap(pids: Set[int]) -> None:
    deadline = time.monotonic() + REAP_S
    while not all(_is_dead(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.002)
    # It reaps its own, and would believe them alive for ever if we did.
    multiprocessing.active_children()
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _is_dead(pid: int) -> bool:
    """Whether it has ended, without reaping it; true for what is not (any longer) our child."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
