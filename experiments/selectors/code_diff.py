"""In which files two bundles of code differ, and how. In bounds: what is long or no text is only named."""

import difflib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from experiments.models import Bundle
from experiments.selectors.code import BundleBroken, Code, code_open, text_of
from mlplatform.kernel.storage import StorageAway

MAX_FILES = 200
MAX_FILE_BYTES = 128 * 2**10
# Comparing takes up to the square of it.
MAX_FILE_LINES = 2000
# Of all files of one page together.
MAX_LINES = 10_000
MAX_SHOWN_LINES = 500
CONTEXT = 3
KINDS = {"+": "added", "-": "removed", "@": "place"}


@dataclass(frozen=True)
class FileChange:
    """A file that is `changed`, or only in one of the two (`added`, `removed`).

    `lines` are those of a unified diff, each with what it is; `left_out` counts those that are not there any more.
    """

    name: str
    kind: str
    lines: list[tuple[str, str]]
    left_out: int = 0
    # Why there are no lines.
    note: str = ""

    @property
    def added(self) -> int:
        """How many lines came, as far as they are shown."""
        return sum(kind == "added" for kind, _ in self.lines)

    @property
    def removed(self) -> int:
        """How many went."""
        return sum(kind == "removed" for kind, _ in self.lines)


@dataclass(frozen=True)
class CodeChange:
    """How code differs from the one that all are compared with; `problem` says why nobody knows."""

    bundle: Bundle
    files: list[FileChange]
    left_out: int = 0
    problem: str = ""


def code_changes(base: Bundle, others: list[Bundle]) -> list[CodeChange]:
    """Of each of the others against the base. Reads only the files that differ. No query."""
    room = [MAX_LINES]
    return [_change(base, other, room) for other in others]


def _change(base: Bundle, other: Bundle, room: list[int]) -> CodeChange:
    try:
        with ExitStack() as stack:
            before, after = (stack.enter_context(code_open(one)) for one in (base, other))
            names = list(_differing(before, after))
            files = [_file(before, after, name, room) for name in names[:MAX_FILES]]
    except (BundleBroken, StorageAway) as error:
        return CodeChange(other, [], problem=error.message)
    return CodeChange(other, files, left_out=len(names) - len(files))


def _differing(before: Code, after: Code) -> Iterator[str]:
    for name in sorted(before.files.keys() | after.files.keys()):
        one, other = before.files.get(name), after.files.get(name)
        if one is None or other is None or not one.is_equal(other):
            yield name


def _file(before: Code, after: Code, name: str, room: list[int]) -> FileChange:
    kind = "added" if name not in before.files else "removed" if name not in after.files else "changed"
    old, new = _lines(before, name), _lines(after, name)
    if isinstance(old, str):
        return FileChange(name, kind, [], note=old)
    if isinstance(new, str):
        return FileChange(name, kind, [], note=new)
    count = len(old) + len(new)
    if count > room[0]:
        return FileChange(name, kind, [], note="Left out: so many lines differ before it.")
    room[0] -= count
    # Without its first two lines, which name the files.
    found = list(difflib.unified_diff(old, new, n=CONTEXT, lineterm=""))[2:]
    shown = [(KINDS.get(line[:1], "same"), line) for line in found[:MAX_SHOWN_LINES]]
    note = "" if found else "Only the ends of its lines differ." if count else "Empty."
    return FileChange(name, kind, shown, len(found) - len(shown), note)


def _lines(code: Code, name: str) -> list[str] | str:
    """The lines of a file, none if it is not there; or why it is not read."""
    content = code.read(name, MAX_FILE_BYTES) if name in code.files else b""
    if content is None:
        return f"Longer than {MAX_FILE_BYTES // 1024} KiB."
    text = text_of(content)
    if text is None:
        return "No text."
    lines = text.splitlines()
    return lines if len(lines) <= MAX_FILE_LINES else f"More than {MAX_FILE_LINES:,} lines."
