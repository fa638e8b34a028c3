"""Reading zips from strangers, and writing zips whose bytes depend on their content only."""

import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from mlplatform.kernel.errors import InvalidInput

IGNORED = frozenset({"__pycache__", "__MACOSX", ".git", ".venv", ".ipynb_checkpoints", ".DS_Store"})
# What decompressors raise for broken data.
BROKEN = (zlib.error, lzma.LZMAError)
EPOCH = (1980, 1, 1, 0, 0, 0)


def unpack(content: bytes, *, max_bytes: int, max_files: int) -> dict[str, bytes]:
    """Return {relative path: bytes} of a zip.

    Raises InvalidInput(field="code") for anything that is not a plain, bounded archive of files: other formats,
    absolute or `..` paths, links, encrypted members, too many files, or too many bytes. Sizes are counted while
    reading, so a header that lies does not help a zip bomb.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise _bad("this is not a readable zip file; pack the folder again") from error
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not IGNORED & set(PurePosixPath(info.filename).parts)
    ]
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
    _check_folders(files)
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


def _check_folders(files: Mapping[str, bytes]) -> None:
    """A name cannot be both a file and the folder of another."""
    for name in files:
        if clash := next(
            (str(parent) for parent in PurePosixPath(name).parents if str(parent) in files), None
        ):
            raise _bad(f"{clash!r} is a file and the folder of {name!r}")


def _safe_name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not name.isprintable():
        raise _bad(f"the path {name!r} leaves the folder or is not portable; use plain relative names")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise _bad(f"{name!r} is a link; pack the file itself")
    if info.flag_bits & 0x1:
        raise _bad(f"{name!r} is encrypted; pack it without a password")
    return str(path)


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
