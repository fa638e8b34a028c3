"""Lines of a log as the harness sends them: checked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlplatform.kernel.errors import InvalidInput
from mlplatform.kernel.text import storable

# The harness sends 8 rows of 10,000 characters at most.
OPEN_LIMIT = 100_000


@dataclass(frozen=True)
class Printed:
    """What one batch says of one rank's output.

    `text` is lines that are over, each with its line feed; `times` says from which of them on (0 the first) which Unix
    time holds; `open` is the rows after them that may still change, None if these are as they were.
    """

    text: str = ""
    times: tuple[tuple[int, float], ...] = ()
    open: str | None = None

    def __bool__(self) -> bool:
        return bool(self.text) or self.open is not None

    def with_line(self, line: str) -> "Printed":
        """The same and one more line."""
        return replace(self, text=f"{self.text}{line}\n")


def parse_printed(content: Mapping[str, Any]) -> Printed:
    """The keys `log`, `log_times` and `log_open` of a batch. Raises InvalidInput."""
    text = storable(content.get("log"))
    if text and not text.endswith("\n"):
        raise InvalidInput(
            "log must be whole lines, each with its line feed; what is not over goes into log_open.",
            field="log",
        )
    rows = content.get("log_open")
    return Printed(
        text,
        _times(content.get("log_times") or [], text.count("\n")),
        None if rows is None else storable(rows)[:OPEN_LIMIT],
    )


def _times(content: Any, lines: int) -> tuple[tuple[int, float], ...]:
    marks: list[tuple[int, float]] = []
    for mark in content if isinstance(content, list) else [content]:
        if not _is_mark(mark) or not (marks[-1][0] if marks else 0) <= mark[0] < max(lines, 1):
            raise InvalidInput(
                f"log_times has {str(mark)[:40]}; it must be pairs of a line's index, rising, and its Unix time.",
                field="log_times",
            )
        marks.append((mark[0], float(mark[1])))
    return tuple(marks)


def _is_mark(mark: Any) -> bool:
    return (
        isinstance(mark, list)
        and len(mark) == 2
        and type(mark[0]) is int
        and type(mark[1]) in {int, float}
        and abs(mark[1]) < 1e15
        and math.isfinite(mark[1])
    )
