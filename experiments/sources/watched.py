"""Run a program that strangers feed: with a clock, a bound on what it writes, and nothing of our environment."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Far above what git needs for a shallow fetch, far below what would hurt the portal.
MEMORY_KIB = 2 * 2**20
LOOK_S = 0.05
LIMITED = f'ulimit -v {MEMORY_KIB} 2>/dev/null; exec "$@"'


class OutOfTimeError(Exception):
    """It was still running at its deadline, and was killed."""


class OutOfSpaceError(Exception):
    """It had written more than allowed, and was killed."""


@dataclass(frozen=True)
class Outcome:
    """Exit code, and where its output is."""

    code: int
    stdout: Path
    stderr: Path


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    deadline: float,
    max_bytes: int,
    stdin: Path | None = None,
) -> Outcome:
    """Run `command` in `folder` until `deadline` (of time.monotonic); its output goes into files there.

    Everything in the folder counts as written. Raises OutOfTimeError or OutOfSpaceError after killing the program
    and all that it started.
    """
    outcome = Outcome(0, folder / "stdout", folder / "stderr")
    with (
        Path(stdin or os.devnull).open("rb") as source,
        outcome.stdout.open("wb") as out,
        outcome.stderr.open("wb") as err,
        subprocess.Popen(
            ["/bin/sh", "-c", LIMITED, "sh", *command],
            cwd=folder,
            env=dict(environment),
            stdin=source,
            stdout=out,
            stderr=err,
            start_new_session=True,
        ) as process,
    ):
        try:
            code = _wait(process, folder, deadline, max_bytes)
        except BaseException:
            # As long as it is not reaped, the number of its session is its own.
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return Outcome(code, outcome.stdout, outcome.stderr)


def _wait(process: subprocess.Popen[bytes], folder: Path, deadline: float, max_bytes: int) -> int:
    while True:
        try:
            code = process.wait(LOOK_S)
        except subprocess.TimeoutExpired:
            code = None
        if size(folder) > max_bytes:
            raise OutOfSpaceError
        if code is not None:
            return code
        if time.monotonic() > deadline:
            raise OutOfTimeError


def size(folder: Path) -> int:
    """Bytes of all files below; what vanishes meanwhile does not count."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(parent, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
