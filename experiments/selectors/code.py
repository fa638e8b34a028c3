"""Looking into stored code: which files it has, and what is in one of them. Never more of it than was asked for."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from experiments.models import Bundle
from mlplatform.kernel import storage
from mlplatform.kernel.archive import BROKEN
from mlplatform.kernel.errors import Conflict, NotFound

CHUNK_BYTES = 2**18
# Text has none.
ZERO = b"\0"


class BundleBroken(Conflict):
    """The stored code is lost, or not what it was."""

    code = "bundle_broken"


def broken(bundle: Bundle, what: str) -> BundleBroken:
    """The error that says so."""
    return BundleBroken(
        f"The code {bundle.name} (sha256 {bundle.sha256}) {what}, so nothing can be started with it. "
        "Upload the same code again, then retry."
    )


@dataclass(frozen=True)
class CodeFile:
    """A file, and what tells it from another of the same name without reading them."""

    name: str
    size: int
    checksum: int

    def is_equal(self, other: "CodeFile") -> bool:
        """Whether both have the same content."""
        return (self.size, self.checksum) == (other.size, other.checksum)


class Code:
    """Stored code, open for reading."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        # By name, in its order.
        self.files = {
            info.filename: CodeFile(info.filename, info.file_size, info.CRC) for info in archive.infolist()
        }

    def read(self, name: str, limit: int) -> bytes | None:
        """The content of a file, None if it is longer than the limit. Raises NotFound."""
        with self._archive.open(self._known(name)) as member:
            content = member.read(limit + 1)
        return content if len(content) <= limit else None

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a file in parts. Raises NotFound."""
        with self._archive.open(self._known(name)) as member:
            while chunk := member.read(CHUNK_BYTES):
                yield chunk

    def _known(self, name: str) -> str:
        if name not in self.files:
            raise NotFound(f"This code has no file {name[:200]!r}.")
        return name


@contextmanager
def code_open(bundle: Bundle) -> Iterator[Code]:
    """The code, of which only what is asked for is read. Raises BundleBroken, or StorageAway."""
    with storage.opened(bundle.key) as file:
        if file is None:
            raise broken(bundle, "is not in the storage any more")
        try:
            yield Code(zipfile.ZipFile(file))
        except (zipfile.BadZipFile, EOFError, *BROKEN) as error:
            raise broken(bundle, "is damaged in the storage") from error


def code_zip(bundle: Bundle) -> Iterator[bytes]:
    """The zip itself, in parts. Raises BundleBroken, or StorageAway."""
    with storage.opened(bundle.key) as file:
        if file is None:
            raise broken(bundle, "is not in the storage any more")
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def code_chunks(bundle: Bundle, name: str) -> Iterator[bytes]:
    """One file, in parts. Raises NotFound, BundleBroken or StorageAway."""
    with code_open(bundle) as code:
        yield from code.chunks(name)


def text_of(content: bytes) -> str | None:
    """The content as text, None if it is none."""
    if ZERO in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
