"""Everything a run prints, from Python or from C, caught at the file descriptors.

Both descriptors are pointed at one append-only file: writes never block (a pipe that nobody drains would freeze user
code that prints while holding the GIL), their order is kept, and the uploader reads the file at its own pace. What
was read is echoed to the original stdout, so that Ray's own logs stay complete, and its disk blocks are given back.
"""

import codecs
import contextlib
import ctypes
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

READ_BYTES = 256 * 1024
# On disk, and as much as is kept of a burst (`output.BURST`).
MAX_BACKLOG = 64 * 1024 * 1024
_PUNCH_HOLE_KEEP_SIZE = 0x01 | 0x02

_libc = ctypes.CDLL(None, use_errno=True)


class OutputCapture:
    """Catches this process's stdout and stderr between `start` and `stop`; `read` may run in another thread."""

    def __init__(self, max_backlog: int = MAX_BACKLOG) -> None:
        self._max_backlog = max_backlog
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._file = -1
        self._saved: tuple[int, int] | None = None
        self._streams: tuple[Any, Any] = (None, None)
        self._position = 0
        self._echo_to = -1
        self._skipped = (0, 0)

    def start(self) -> None:
        """Point descriptors 1 and 2 at a fresh file."""
        flush_output()
        descriptor, path = tempfile.mkstemp(prefix="mlp-output-")
        Path(path).unlink()
        # Append mode matters: two descriptors and child processes share the file without overwriting each other.
        self._file = os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR | os.O_APPEND)
        os.close(descriptor)
        self._saved = (os.dup(1), os.dup(2))
        self._streams = (sys.stdout, sys.stderr)
        os.dup2(self._file, 1)
        os.dup2(self._file, 2)

    def stop(self) -> None:
        """Give the descriptors back. What is still unread stays readable until `close`."""
        if self._saved is None:
            return
        flush_output()
        # User code may have put its own objects there (tee, progress bars).
        sys.stdout, sys.stderr = self._streams
        for target, saved in zip((1, 2), self._saved, strict=True):
            os.dup2(saved, target)
        os.close(self._saved[1])
        self._echo_to = self._saved[0]
        self._saved = None

    def read(self) -> str:
        """Return what was printed since the last call, as text; never blocks, bounded per call."""
        if self._file < 0:
            return ""
        _flush_c_stdout()
        self._skip_backlog()
        chunk = os.pread(self._file, READ_BYTES, self._position)
        if not chunk:
            return ""
        self._echo_chunk(chunk)
        self._release(self._position, len(chunk))
        self._position += len(chunk)
        return self._decoder.decode(chunk)

    def take_skipped(self) -> tuple[int, int]:
        """How many line feeds and bytes came before what was last read, and were too many to be read."""
        skipped, self._skipped = self._skipped, (0, 0)
        return skipped

    def pending(self) -> int:
        """Bytes that were printed and not yet read."""
        return os.fstat(self._file).st_size - self._position if self._file >= 0 else 0

    def close(self) -> None:
        """Stop if need be and drop the file."""
        self.stop()
        if self._file >= 0:
            while self.pending():
                self.read()
            os.close(self._file)
            os.close(self._echo_to)
            self._file = -1

    def _skip_backlog(self) -> None:
        """What came faster than it could be read is counted only; the end of it is read."""
        backlog = self.pending()
        if backlog <= self._max_backlog:
            return
        skipped = backlog - READ_BYTES
        lines, size = self._skipped
        self._skipped = lines + self._line_feeds(self._position, skipped), size + skipped
        self._release(self._position, skipped)
        self._position += skipped
        self._decoder.reset()

    def _line_feeds(self, start: int, length: int) -> int:
        counted, end = 0, start + length
        while start < end:
            chunk = os.pread(self._file, min(READ_BYTES, end - start), start)
            if not chunk:
                break
            counted += chunk.count(b"\n")
            start += len(chunk)
        return counted

    def _echo_chunk(self, chunk: bytes) -> None:
        # Read once: `stop` may set it to None meanwhile, in the training thread.
        saved = self._saved
        target = saved[0] if saved else self._echo_to
        # A closed or full log file of Ray's must not hurt training.
        with contextlib.suppress(OSError):
            os.write(target, chunk)

    def _release(self, start: int, length: int) -> None:
        # Best effort: a file system without hole punching only costs disk until the run ends.
        _libc.fallocate(
            self._file, _PUNCH_HOLE_KEEP_SIZE, ctypes.c_longlong(start), ctypes.c_longlong(length)
        )


def flush_output() -> None:
    """Flush Python's and the C library's output buffers."""
    for stream in (sys.stdout, sys.stderr):
        # User code may have replaced or closed them.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    _libc.fflush(None)


def _flush_c_stdout() -> None:
    # C code's stdout is block-buffered because it is a file; without this its lines would show up only at the end.
    with contextlib.suppress(ValueError):
        _libc.fflush(ctypes.c_void_p.in_dll(_libc, "stdout"))
