"""The machine's processes as /proc shows them: families, identities, and how to end them.

A process is identified by its number and its start time, so that a recycled number is never mistaken for it.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

POLL_S = 0.1
PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process at the moment of a scan."""

    pid: int
    started: int  # clock ticks since boot
    session: int = field(compare=False)
    parent: int = field(compare=False, default=0)
    is_zombie: bool = field(compare=False, default=False)


def read(pid: int) -> Process | None:
    """The process with this number now."""
    try:
        # The second field is the name in parentheses, which may hold spaces and parentheses itself.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Process(pid, int(fields[19]), int(fields[3]), int(fields[1]), fields[0] in "ZX")


def scan() -> list[Process]:
    """All processes of the machine; a few milliseconds per hundred."""
    found = (read(int(entry)) for entry in os.listdir(PROC) if entry.isdigit())  # noqa: PTH208 names are all it takes
    return [process for process in found if process]


def family(everything: Iterable[Process], known: set[Process], sessions: set[int]) -> set[Process]:
    """Those of `known` that still run, everything in these sessions, and all their descendants; no zombies."""
    by_parent: dict[int, list[Process]] = {}
    members: set[Process] = set()
    for process in everything:
        if process.is_zombie:
            continue
        by_parent.setdefault(process.parent, []).append(process)
        if process in known or process.session in sessions:
            members.add(process)
    queue = list(members)
    while queue:
        for descendant in by_parent.get(queue.pop().pid, ()):
            if descendant not in members:
                members.add(descendant)
                queue.append(descendant)
    return members


def descendants() -> set[Process]:
    """All that runs under this process."""
    everything = scan()
    me = {process for process in everything if process.pid == os.getpid()}
    return family(everything, me, set()) - me


def survivors(recorded: set[Process]) -> set[Process]:
    """What is left of processes that an earlier supervisor wrote down, with all that came of them since.

    A session keeps its leader's number out of use while it has members. So a recorded session is still the same one,
    unless its leader's number now belongs to another process.
    """
    everything = scan()
    alive = {process for process in everything if process in recorded}
    recycled = {process.pid for process in everything} - {process.pid for process in alive}
    return family(everything, alive, {process.session for process in recorded} - recycled)


def is_alive(process: Process) -> bool:
    """Whether this very process still runs; a zombie does not."""
    now = read(process.pid)
    return now == process and not now.is_zombie


def send(process: Process, number: signal.Signals) -> None:
    """Signal this very process, if it is still there."""
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)


async def end(processes: Iterable[Process], *, patience_s: float) -> None:
    """Terminate these processes, then kill those that have not gone in time."""
    alive = [process for process in processes if is_alive(process)]
    for process in alive if patience_s else []:
        send(process, signal.SIGTERM)
    limit = time.monotonic() + patience_s
    while (alive := [process for process in alive if is_alive(process)]) and time.monotonic() < limit:
        await asyncio.sleep(POLL_S)
    for process in alive:
        send(process, signal.SIGKILL)


def memory(process: Process) -> int:
    """Bytes that the process takes, shared pages counted in proportion (PSS)."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(process.pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def boot() -> str:
    """Identity of this boot of the machine; start times of another one mean nothing."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()
