"""One child process with all its descendants: start it, watch its family, end the whole family."""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlplatform.embedded import processes
from mlplatform.embedded.processes import POLL_S, Process

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
TERMINATE_S = 2.0
LOG_LIMIT_BYTES = 10 * 2**20


@dataclass
class Child:
    """A running (or ended) process, and its family when last observed."""

    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals
    grace_s: float
    members: set[Process] = field(default_factory=set)

    @property
    def pid(self) -> int:
        return self.process.pid

    def exit_code(self) -> int | None:
        return self.process.poll()

    def observe(self, everything: Iterable[Process]) -> None:
        """Find the family in a scan: the session that the child leads, and whoever left it since."""
        # When the child has ended and nobody is left, its number may already lead another session.
        is_ours = self.exit_code() is None or any(member.session == self.pid for member in self.members)
        self.members = processes.family(everything, self.members, {self.pid} if is_ours else set())

    def memory(self) -> int:
        return sum(processes.memory(member) for member in self.members)

    async def wait(self) -> int:
        """Exit code, once there is one. The caller ends the wait by cancelling."""
        while (code := self.exit_code()) is None:
            await asyncio.sleep(POLL_S)
        return code

    async def stop(self, *, hurry: asyncio.Event) -> None:
        """Ask the process to end, wait for its grace period, then end what is left of its family."""
        self.observe(processes.scan())
        if self.exit_code() is None:
            self.process.send_signal(self.stop_signal)
            await _first_of(self.wait(), hurry.wait(), limit_s=self.grace_s)
        self.observe(processes.scan())
        await processes.end(self.members, patience_s=0.0 if hurry.is_set() else TERMINATE_S)
        self.process.wait()


def spawn(
    command: tuple[str, ...],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
    grace_s: float = 10.0,
    inherited: tuple[int, ...] = (),
) -> Child:
    """Start a child in a session of its own (Ctrl-C reaches only the supervisor), output appended to its log.

    The kernel sends `stop_signal` to the child if the supervisor dies without stopping it.
    """
    rotate(log)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherited,
            preexec_fn=ends_with_parent(stop_signal),  # noqa: PLW1509  see there
        )
    return Child(process, stop_signal, grace_s)


def ends_with_parent(stop_signal: signal.Signals) -> Callable[[], object]:
    """A `preexec_fn`: the kernel sends the signal to the child when its parent dies, however that happens.

    It is one libc call that takes no lock, so the warning about threads does not apply.
    """
    return lambda: _libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal))


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, so that none gets out of sight."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def reap_orphans(everything: Iterable[Process], known: set[int]) -> None:
    """Collect the exit codes of adopted zombies; a `Popen` collects its own."""
    for process in everything:
        if process.parent == os.getpid() and process.is_zombie and process.pid not in known:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)


def rotate(log: Path) -> None:
    """Keep one older part of a large log. The writer appends, so emptying the file under it is safe."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.with_suffix(".1.log").write_bytes(log.read_bytes())
        os.truncate(log, 0)


async def _first_of(*waits: Coroutine[None, None, object], limit_s: float) -> None:
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
