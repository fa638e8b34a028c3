"""The one folder that holds the state of an embedded stack, and the secrets in it."""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from mlplatform.embedded.errors import AlreadyRunning, StackError

VARIABLE = "MLP_HOME"
FOLDERS = ("secrets", "logs", "postgres", "valkey", "mlflow", "ray", "storage")
LOCK_TRIES = 10
LOCK_PAUSE_S = 0.05


@dataclass(frozen=True)
class Home:
    """Paths of one embedded stack. Nothing is created before `create`."""

    root: Path

    @classmethod
    def locate(cls, environ: Mapping[str, str]) -> "Home":
        """The folder named by MLP_HOME, else the user's own data folder."""
        if named := environ.get(VARIABLE):
            return cls(Path(named).expanduser().resolve())
        base = environ.get("XDG_DATA_HOME") or "~/.local/share"
        return cls((Path(base).expanduser() / "mlplatform").resolve())

    def __truediv__(self, name: str) -> Path:
        return self.root / name

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    @property
    def state_file(self) -> Path:
        return self.root / "state.json"

    @property
    def runtime(self) -> Path:
        """Short folder for Unix sockets, whose paths may have 107 characters only.

        Not in XDG_RUNTIME_DIR: that one is removed when the user's last session ends, while a stack started under
        nohup or tmux goes on.
        """
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:8]
        return Path(tempfile.gettempdir()) / f"mlp-{os.getuid()}-{digest}"

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    def secret_file(self, name: str) -> Path:
        return self.root / "secrets" / name

    def create(self) -> None:
        """Make the folders, readable by their owner only. Safe to repeat."""
        for folder in (self.root, *(self.root / name for name in FOLDERS)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        _own_folder(self.runtime)
        # Ray needs a short path for its sockets and disk for its packages; the link gives both.
        link = self.runtime / "ray"
        link.unlink(missing_ok=True)
        link.symlink_to(self.root / "ray")

    def refresh(self) -> None:
        """Touch the runtime folder: cleaners of temporary files remove what has been still for weeks."""
        for path in (self.runtime, *self.runtime.iterdir()):
            with contextlib.suppress(OSError):
                os.utime(path, follow_symlinks=False)

    def secret(self, name: str) -> Path:
        """File with a random secret, generated on first use, mode 0600."""
        path = self.secret_file(name)
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path

    @contextmanager
    def locked(self) -> Iterator["Lock"]:
        """Own this home until the block ends. The kernel drops the lock when its holder dies, however it dies.

        Raises AlreadyRunning naming who owns it.
        """
        with _open_lock(self.lock_file) as file:
            # Somebody who only looks (`is_running`) holds the lock for an instant.
            tries = LOCK_TRIES
            while not _take(file):
                tries -= 1
                if not tries:
                    raise AlreadyRunning(self._who_runs())
                time.sleep(LOCK_PAUSE_S)
            self.lock_file.write_text("{}")
            yield Lock(self.lock_file)
            self.lock_file.write_text("{}")

    def owner(self) -> dict[str, Any]:
        """What the lock's holder wrote into it: pid and portal URL, or nothing."""
        try:
            owner: dict[str, Any] = json.loads(self.lock_file.read_text() or "{}")
        except (OSError, ValueError):
            return {}
        return owner

    def is_running(self) -> bool:
        """Whether some supervisor owns this home now."""
        if not self.lock_file.exists():
            return False
        with _open_lock(self.lock_file) as file:
            return not _take(file)

    def _who_runs(self) -> str:
        owner = self.owner()
        who = (
            f"as process {owner['pid']}, portal {owner['portal_url']}"
            if "portal_url" in owner
            else "and starting up"
        )
        return (
            f"A stack already runs in {self.root}, {who}. "
            f"Stop it with `python -m mlplatform.embedded stop`, or choose another folder with {VARIABLE}."
        )


@dataclass(frozen=True)
class Lock:
    """A held lock; what is written into it tells a second `up` whom it met."""

    file: Path

    def announce(self, portal_url: str) -> None:
        self.file.write_text(json.dumps({"pid": os.getpid(), "portal_url": portal_url}))


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: readers see all of it or the one before."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(draft, "w", opener=_private_opener) as file:
        file.write(text)
    draft.replace(path)


def _open_lock(path: Path) -> TextIO:
    return open(path, "a+", opener=_private_opener)


def _take(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _own_folder(folder: Path) -> None:
    """Make a folder in a place that everybody may write to, and refuse one that somebody else prepared."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != os.getuid():
        raise StackError(f"{folder} is not ours. Remove it, or set TMPDIR to a folder of your own.")
    folder.chmod(0o700)
