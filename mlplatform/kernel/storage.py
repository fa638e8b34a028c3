"""Binary things (bundles, packages, checkpoints) live under MLP_STORAGE: a local folder or any fsspec URL."""

import contextlib
import posixpath
import secrets
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import fsspec
from django.conf import settings
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractFileSystem

from mlplatform.kernel.errors import PlatformError, Unavailable

DELETE_TRIES = 10
CHUNK_BYTES = 2**20


class StorageAway(Unavailable):
    """The storage does not answer, or refuses. Nothing is known about what lies there."""

    code = "storage_away"


def filesystem() -> tuple[AbstractFileSystem, str]:
    """Return the file system of MLP_STORAGE and the root path in it."""
    fs, root = fsspec.core.url_to_fs(settings.STORAGE)
    return fs, root


def path(*parts: str) -> str:
    """Full path of a key under the root, in the file system's own notation."""
    _, root = filesystem()
    return str(PurePosixPath(root, *parts))


def url(*parts: str) -> str:
    """Full path or URL of a key, as a Ray job would be told."""
    return "/".join([settings.STORAGE.rstrip("/"), *parts])


def url_inside(reported: str, *folder: str) -> str | None:
    """URL of a path that a job reported, or None if it lies outside the folder, where nobody may send us.

    Takes a path with or without the scheme (pyarrow has none); the URL always has one.
    """
    fs, _ = filesystem()
    inner = posixpath.normpath(str(fs._strip_protocol(reported)))  # fsspec has no public name for it
    if not inner.startswith(f"{path(*folder)}/"):
        return None
    return str(fs.unstrip_protocol(inner))


def write(key: str, content: bytes) -> str:
    """Store bytes under a key; return the key. Raises StorageAway.

    Written beside and renamed, so that no reader sees half a file. What is there already is replaced: a file that got
    damaged is whole again.
    """
    with _answering() as fs:
        target = path(key)
        fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        part = f"{target}.{secrets.token_hex(8)}.part"
        fs.pipe_file(part, content)
        fs.mv(part, target)
    return key


def read(key: str) -> bytes | None:
    """The bytes of a stored key, None if it is not there. Raises StorageAway."""
    with _answering() as fs:
        try:
            return bytes(fs.cat_file(path(key)))
        except FileNotFoundError:
            _check_folder(fs, key)
            return None


@contextlib.contextmanager
def opened(key: str) -> Iterator[IO[bytes] | None]:
    """A stored key to read parts of, None if it is not there. Raises StorageAway, also for what goes wrong inside."""
    with _answering() as fs:
        try:
            file = fs.open(path(key), "rb")
        except FileNotFoundError:
            _check_folder(fs, key)
            yield None
            return
        with file:
            yield file


def check_folder(key: str) -> None:
    """Raise StorageAway if not even the folder of the key is there: nothing is known about what was in it."""
    with _answering() as fs:
        _check_folder(fs, key)


def move(key: str, to: str) -> bool:
    """Give what is stored under the key another one; False if it is not there. Raises StorageAway."""
    with _answering() as fs:
        if not fs.exists(path(key)):
            return False
        fs.mv(path(key), path(to))
        return True


def exists(key: str) -> bool:
    """Whether something is stored under the key. Raises StorageAway."""
    with _answering() as fs:
        return bool(fs.exists(path(key)))


@contextlib.contextmanager
def _answering() -> Iterator[AbstractFileSystem]:
    """Whatever a file system raises, it has its own word for not being there."""
    try:
        yield filesystem()[0]
    except PlatformError:
        raise
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise StorageAway(f"The storage does not answer: {words[:300]}") from error


def files_in(url: str) -> dict[str, int]:
    """Names and sizes of the files below a folder, none if it is not there. Raises StorageAway.

    What a link leads to is left out: jobs write these folders, and could point out of them.
    """
    with _answering() as fs:
        inner = str(fs._strip_protocol(url))  # as above
        found = fs.find(inner, detail=True)
        names = {posixpath.relpath(name, inner): info["size"] or 0 for name, info in found.items()}
        if not is_local():
            return names
        root = Path(inner).resolve()
        return {name: size for name, size in names.items() if (root / name).resolve() == root / name}


def chunks(url: str, name: str) -> Iterator[bytes]:
    """A file below a folder, in parts. Raises StorageAway."""
    with _answering() as fs, fs.open(f"{fs._strip_protocol(url)}/{name}", "rb") as file:  # as above
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def is_local() -> bool:
    """Whether it is a folder of this machine, so that asking about a file costs next to nothing."""
    return isinstance(filesystem()[0], LocalFileSystem)


def _check_folder(fs: AbstractFileSystem, key: str) -> None:
    """What is not there may only not be there now: a folder that is not mounted has nothing in it."""
    folder = path(key).rsplit("/", 1)[0]
    if not fs.exists(folder):
        raise StorageAway(f"The storage has no folder {folder}; is it mounted, and is MLP_STORAGE right?")


def delete_tree(url: str) -> int:
    """Delete a file or a folder with everything in it; return the bytes that it had.

    Nothing there is not an error, nor is somebody else who deletes it at the same time.
    """
    fs, _ = filesystem()
    inner = str(fs._strip_protocol(url))  # as above
    for _ in range(DELETE_TRIES):
        if not fs.exists(inner):
            return 0
        with contextlib.suppress(FileNotFoundError):
            size = int(sum(fs.sizes(fs.find(inner))))
            fs.rm(inner, recursive=True)
            return size
        # The other one got ahead of us, and gave up where we had been: look at what is left.
    raise FileNotFoundError(f"{url} changes while it is being deleted; it stays for later.")
