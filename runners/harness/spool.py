"""A first-in-first-out store of batches that moves to disk when the portal is away for long."""

import json
import tempfile
from collections import deque
from typing import IO, Any

from .batches import weight

MEMORY_BYTES = 4 * 1024 * 1024
DISK_BYTES = 512 * 1024 * 1024


class Spool:
    """Payloads in order. The first `memory_bytes` stay in memory, the rest goes to an unnamed temporary file."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES, disk_bytes: int = DISK_BYTES) -> None:
        self._memory: deque[dict[str, Any]] = deque()
        self._sizes: deque[int] = deque()
        self._memory_used = 0
        self._memory_limit = memory_bytes
        self._disk_limit = disk_bytes
        self._file: IO[bytes] | None = None
        self._on_disk = 0
        self._read_at = 0
        self._write_at = 0

    def __len__(self) -> int:
        return len(self._memory) + self._on_disk

    @property
    def on_disk(self) -> int:
        """How many payloads are on disk."""
        return self._on_disk

    def append(self, payload: dict[str, Any]) -> bool:
        """Add at the end. False when the disk limit is reached and the payload was not taken."""
        size = weight(payload)
        if not self._on_disk and (not self._memory or self._memory_used + size <= self._memory_limit):
            self._push(payload, size)
            return True
        raw = json.dumps(payload, separators=(",", ":")).encode()
        if self._write_at - self._read_at + len(raw) > self._disk_limit:
            return False
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="mlp-spool-")  # noqa: SIM115  # closed when the spool is empty again
        self._file.seek(self._write_at)
        self._file.write(raw + b"\n")
        self._write_at = self._file.tell()
        self._on_disk += 1
        return True

    def head(self) -> dict[str, Any] | None:
        """The oldest payload, or None."""
        if not self._memory and self._on_disk:
            self._load_one()
        return self._memory[0] if self._memory else None

    def pop(self) -> None:
        """Forget the oldest payload."""
        self._memory.popleft()
        self._memory_used -= self._sizes.popleft()

    def replace_head(self, payloads: list[dict[str, Any]]) -> None:
        """Put `payloads` (in order) where the oldest payload is."""
        self.pop()
        for payload in reversed(payloads):
            size = weight(payload)
            self._memory.appendleft(payload)
            self._sizes.appendleft(size)
            self._memory_used += size

    def clear(self) -> None:
        """Drop everything and give the disk space back."""
        self._memory.clear()
        self._sizes.clear()
        self._memory_used = self._on_disk = 0
        self._close_file()

    def _push(self, payload: dict[str, Any], size: int) -> None:
        self._memory.append(payload)
        self._sizes.append(size)
        self._memory_used += size

    def _load_one(self) -> None:
        assert self._file is not None
        self._file.seek(self._read_at)
        raw = self._file.readline()
        self._read_at = self._file.tell()
        self._on_disk -= 1
        payload = json.loads(raw)
        self._push(payload, weight(payload))
        if not self._on_disk:
            self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._read_at = self._write_at = 0
