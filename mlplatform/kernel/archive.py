"""Reading zips from strangers, and writing zips whose bytes depend on their content only."""

import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import IO, cast

from mlplatform.kernel.errors import InvalidInput

IGNORED = frozenset({"__pycache__", "__MACOSX", ".git", ".venv", ".ipynb_checkpoints", ".DS_Store"})
# What decompressors raise for broken data.
BROKEN = (zlib.error, lzma.LZMAError)
EPOCH = (1980, 1, 1, 0, 0, 0)
# Begins the entry of each member in the archive's directory.
ENTRY = b"PK\x01\x02"
# Members besides the files: folders, and what is ignored. `zipfile` reads them all at once, at about 12 µs each.
SLACK = 10_000


def unpack(content: bytes, *, max_bytes: int, max_files: int) -> dict[str, bytes]:
    """Return {relative path: bytes} of a zip.

    Raises InvalidInput(field="code") for anything that is not a plain, bounded archive of files: other formats,
    absolute or `..` paths, links, encrypted members, too many files, or too many bytes. Sizes are counted while
    reading, so a header that lies does not help a zip bomb.
    """
    # Not the number that the archive states: it may lie. This is never below the true one.
    if content.count(ENTRY) > max_files + SLACK:
        raise _bad(
            f"it holds over {max_files + SLACK} files and folders. Leave data, environments and histories out"
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise _bad("this is not a readable zip file; pack the folder again") from error
    members = [info for info in archive.infolist() if not info.is_dir() and not is_ignored(info.filename)]
    if len(members) > max_files:
        raise _bad(
            f"it holds {len(members)} files; at most {max_files} are taken. Leave data and environments out"
        )
    files: dict[str, bytes] = {}
    left = max_bytes
    for info in members:
        name = _safe_name(info)
        if name in files:
            raise _bad(f"it holds {name!r} twice")
        files[name] = _read(archive, info, left, max_bytes)
        left -= len(files[name])
    if clash := folder_clash(files):
        raise _bad(clash)
    return files


def pack(files: Mapping[str, bytes], *, prefix: str = "") -> bytes:
    """Zip the files: sorted names, fixed times, so that equal content gives equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(prefix + name, EPOCH)
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


class _Sink:
    """A file for writing that cannot go back: what was written is taken out of it at once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, content: bytes) -> int:
        """See io."""
        self._parts.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        """See io."""

    def take(self) -> bytes:
        """All that was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def packed(members: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """A zip of files of any size, made while it is sent. Not compressed: weights hardly get smaller."""
    sink = _Sink()
    with zipfile.ZipFile(cast("IO[bytes]", sink), "w") as archive:
        for name, chunks in members:
            with archive.open(zipfile.ZipInfo(name, EPOCH), "w", force_zip64=True) as member:
                for chunk in chunks:
                    member.write(chunk)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


def name_problem(name: str) -> str:
    """Why a file of this name is not taken, empty if it is."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not name.isprintable():
        return f"the path {name!r} leaves the folder or is not portable; use plain relative names"
    return ""


def folder_clash(names: Collection[str]) -> str:
    """Why these names cannot all be files: one is the folder of another. Empty if they can."""
    for name in names:
        if clash := next(
            (str(parent) for parent in PurePosixPath(name).parents if str(parent) in names), None
        ):
            return f"{clash!r} is a file and the folder of {name!r}"
    return ""


def is_ignored(name: str) -> bool:
    """Whether it is of the files that tools leave behind."""
    return bool(IGNORED & set(PurePosixPath(name).parts))


def _safe_name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if problem := name_problem(name):
        raise _bad(problem)
    if stat.S_ISLNK(info.external_attr >> 16):
        raise _bad(f"{name!r} is a link; pack the file itself")
    if info.flag_bits & 0x1:
        raise _bad(f"{name!r} is encrypted; pack it without a password")
    return str(PurePosixPath(name))


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int, max_bytes: int) -> bytes:
    try:
        with archive.open(info) as member:
            content = member.read(left + 1)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, *BROKEN) as error:
        raise _bad(f"{info.filename!r} cannot be unpacked ({error}); pack the folder again") from error
    if len(content) > left:
        raise _bad(
            f"it unpacks to more than {max_bytes // 2**20} MiB. Leave data out; read it from a shared path instead"
        )
    return content


def without_top_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    """Drop the one folder that everything is in, as zips of a folder have it."""
    tops = {name.partition("/")[0] for name in files}
    if len(tops) != 1 or not all("/" in name for name in files):
        return files
    return {name.partition("/")[2]: content for name, content in files.items()}


def _bad(problem: str) -> InvalidInput:
    return InvalidInput(f"The zip was not taken: {problem}.", field="code")
