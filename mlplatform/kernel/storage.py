"""Binary things (bundles, packages, checkpoints) live under MLP_STORAGE: a local folder or any fsspec URL."""

import contextlib
import posixpath
import secrets
from pathlib import PurePosixPath
from typing import BinaryIO, cast

import fsspec
from django.conf import settings
from fsspec.spec import AbstractFileSystem

DELETE_TRIES = 10


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


def write_once(key: str, content: bytes) -> str:
    """Store bytes under a content-addressed key unless they are there; return the key.

    Written beside and renamed, so that no reader sees half a file.
    """
    fs, _ = filesystem()
    target = path(key)
    if not fs.exists(target):
        fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        part = f"{target}.{secrets.token_hex(8)}.part"
        fs.pipe_file(part, content)
        fs.mv(part, target)
    return key


def open_key(key: str) -> BinaryIO:
    """Open a stored key for reading. Raises FileNotFoundError."""
    fs, _ = filesystem()
    return cast(BinaryIO, fs.open(path(key), "rb"))


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
