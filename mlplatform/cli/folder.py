"""Packing a folder of training code for upload."""

import os
from collections.abc import Iterator
from pathlib import Path

from mlplatform.kernel import archive

# As the portal counts; one that is configured otherwise answers for itself.
MAX_BYTES = 50 * 2**20
MAX_FILES = 2000
IGNORED = archive.IGNORED | {"node_modules"}
IGNORED_SUFFIXES = (".pyc", ".pyo")


class FolderError(Exception):
    """The folder cannot be uploaded; the message names the file and the remedy."""


def pack_folder(path: Path) -> bytes:
    """Zip the files below `path`, named relative to it: equal content gives equal bytes.

    Left out is what tools leave behind: IGNORED folders and IGNORED_SUFFIXES. Raises FolderError for links, for too
    much, and for what cannot be read.
    """
    files: dict[str, bytes] = {}
    left = MAX_BYTES
    try:
        for file in _files(path):
            name = file.relative_to(path).as_posix()
            if file.is_symlink():
                raise FolderError(
                    f"{name} is a link; put the file itself there, or move the link out of the folder."
                )
            left -= file.stat().st_size
            if left < 0 or len(files) == MAX_FILES:
                raise FolderError(
                    f"{path} has more than {MAX_BYTES // 2**20} MiB or {MAX_FILES:,} files (at {name}). Keep data and "
                    "environments elsewhere; training code reads them from a shared path."
                )
            files[name] = file.read_bytes()
    except OSError as error:
        raise FolderError(f"{error.filename or path} cannot be read: {error.strerror}.") from error
    if not files:
        raise FolderError(f"{path} holds no file to upload.")
    return archive.pack(files)


def _files(path: Path) -> Iterator[Path]:
    """Every file, in the order of names; links to folders count as files, so that they are refused too."""

    def fail(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(path, onerror=fail):
        links = [name for name in folders if Path(parent, name).is_symlink() and name not in IGNORED]
        folders[:] = sorted(name for name in folders if name not in IGNORED and name not in links)
        for name in sorted([*names, *links]):
            if name not in IGNORED and not name.endswith(IGNORED_SUFFIXES):
                yield Path(parent, name)
