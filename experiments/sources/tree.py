"""The files of a commit as `git ls-tree` and `git cat-file` tell them: read, and checked before anything is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from mlplatform.kernel import archive
from mlplatform.kernel.errors import InvalidInput

FIELD = "git_url"
LINK, SUBMODULE = "120000", "160000"
REMEDY = "Name the folder of your code as the path, if it is elsewhere"


@dataclass(frozen=True)
class Entry:
    """One file."""

    name: str
    object_id: str
    size: int


def entries(listing: bytes, *, max_bytes: int, max_files: int) -> list[Entry]:
    """Parse `git ls-tree -r -z --long`, without what tools leave behind.

    Raises InvalidInput(field="git_url") for links, submodules, names that a zip may not have either, and too much.
    """
    found = [entry for line in listing.split(b"\0") if line and (entry := _entry(line))]
    if len(found) > max_files:
        raise _bad(f"it holds {len(found)} files; at most {max_files} are taken. {REMEDY}")
    if (total := sum(entry.size for entry in found)) > max_bytes:
        raise _bad(
            f"its files have {total / 2**20:.0f} MiB; at most {max_bytes // 2**20} MiB are taken. Leave data out; read "
            f"it from a shared path. {REMEDY}"
        )
    if clash := archive.folder_clash({entry.name for entry in found}):
        raise _bad(clash)
    return found


def contents(batch: BinaryIO, wanted: Sequence[Entry]) -> dict[str, bytes]:
    """Read what `git cat-file --batch` wrote for these entries, in their order."""
    files = {}
    for entry in wanted:
        header = batch.readline().split()
        if header != [entry.object_id.encode(), b"blob", str(entry.size).encode()]:
            raise _bad(f"{entry.name!r} is damaged in the repository. Push it again")
        files[entry.name] = batch.read(entry.size)
        batch.read(1)  # git ends every object with a line feed
    return files


def _entry(line: bytes) -> Entry | None:
    described, _, raw = line.partition(b"\t")
    mode, _, object_id, size = described.decode("ascii").split()
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise _bad(f"the name {raw!r} is not UTF-8. Rename the file") from None
    if archive.is_ignored(name):
        return None
    if mode == LINK:
        raise _bad(f"{name!r} is a link, and may lead anywhere. Commit the file itself. {REMEDY}")
    if mode == SUBMODULE:
        raise _bad(f"{name!r} is a submodule, and these are not fetched. Commit its files. {REMEDY}")
    if problem := archive.name_problem(name):
        raise _bad(problem)
    return Entry(name, object_id, int(size))


def _bad(problem: str) -> InvalidInput:
    return InvalidInput(f"The repository was not taken: {problem}.", field=FIELD)
