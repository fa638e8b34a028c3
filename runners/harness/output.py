"""One rank's output on its way into batches: lines, at a rate that a portal with many runs can take."""

import time
from collections.abc import Callable, Iterator

from .lines import Lines

# Characters a second that are kept in the long run, and at once: a million lines of usual length.
RATE = 1024 * 1024
BURST = 64 * 1024 * 1024
# What is looked at in one turn, so that batches and heartbeats go on in a flood.
TURN = 2 * 1024 * 1024
# Of one rank in one attempt.
MAX_CHARACTERS = 256 * 1024 * 1024


class Output:
    """Reads what was printed and gives what is to be sent. Only one thread uses it."""

    def __init__(
        self,
        read: Callable[[], str],
        *,
        take_skipped: Callable[[], tuple[int, int]] = lambda: (0, 0),
        burst: int = BURST,
        most: int = MAX_CHARACTERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._take_skipped = take_skipped
        self._lines = Lines()
        self._burst = self._room = burst
        self._left = most
        self._most = most
        self._clock = clock
        self._filled_at = clock()
        self._told_open = ""
        # Whether everything that was printed has been read.
        self.is_drained = False
        self._dropped_lines = self._dropped_characters = 0

    def lines(self) -> Iterator[str]:
        """The lines that are over by now, some at a time, each with its line feed."""
        now = self._clock()
        self._room = min(self._burst, self._room + int((now - self._filled_at) * RATE))
        self._filled_at = now
        left = TURN
        while left > 0 and (text := self._read()):
            left -= len(text)
            lines, size = self._take_skipped()
            if size:
                # That may have begun within a line.
                yield from self._printed("\n")
                self._drop(lines, size)
                yield from self._report()
            yield from self._printed(text)
        self.is_drained = left > 0
        yield from self._report()

    def finish(self) -> None:
        """Nothing more will be printed."""
        self._lines.finish()

    def changed_open(self) -> str | None:
        """The rows that may still change, joined by line feeds; None if they are as they were."""
        rows = self._lines.open if self._left > 0 else ""
        if rows == self._told_open:
            return None
        self._told_open = rows
        return rows

    def _printed(self, text: str) -> Iterator[str]:
        over = self._lines.feed(text)
        if over and self._left > 0 and (admitted := self._admit(over)):
            yield admitted

    def _admit(self, lines: str) -> str:
        """The first lines that there is room for. Once a line was dropped, so are all until that is reported."""
        room = 0 if self._dropped_characters else min(self._room, self._left)
        end = len(lines) if len(lines) <= room else lines.rfind("\n", 0, room) + 1
        admitted = lines[:end]
        self._room -= end
        self._left -= end
        if end < len(lines):
            self._drop(lines.count("\n", end), len(lines) - end)
            if self._room >= self._left:
                return admitted + self._last_words()
        return admitted

    def _last_words(self) -> str:
        self._left = self._dropped_lines = self._dropped_characters = 0
        return (
            f"[mlp] this rank printed more than {self._most:,} characters; the rest is only in Ray's logs.\n"
        )

    def _drop(self, lines: int, characters: int) -> None:
        self._dropped_lines += lines
        self._dropped_characters += characters

    def _report(self) -> Iterator[str]:
        lines, characters = self._dropped_lines, self._dropped_characters
        self._dropped_lines = self._dropped_characters = 0
        if characters and self._left > 0:
            yield f"[mlp] output came too fast: {lines:,} lines ({characters:,} characters) were dropped here.\n"
