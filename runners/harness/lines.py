"""What a program prints, as the lines that a terminal would show: a progress bar that redraws itself is one line.

A line is over once something else follows below it, and then never changes. Rows of progress bars stay open, since
code may move back up to them. However the output is cut into pieces, the lines are the same.

Colours (SGR sequences) are kept, and each line begins with those that hold there. Other escape sequences and control
characters are carried out or dropped; NUL, which PostgreSQL's text cannot hold, becomes U+FFFD.
"""

import re

from .style import Style, restyled, sequence

# Characters of a line that are kept; a mark says how many more there were.
MAX_LINE = 10_000
# Rows of progress bars that may be redrawn; the topmost of more is over.
OPEN_ROWS = 8

_STRING = r"\x1b[\]PX^_][^\x07\x1b\n]{0,4096}"
_TOKEN = re.compile(
    r"(?P<break>[\n\r])"
    r"|\x1b\[(?P<parameters>[0-?]{0,64})[ -/]{0,4}(?P<final>[@-~])"
    rf"|{_STRING}(?:\x07|\x1b\\)"  # titles, links, and what only a terminal understands
    r"|\x1b[ -/]{0,4}[0-~]"
    r"|(?P<nul>\x00)"
    r"|[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
# A sequence whose end may be in the next piece.
_BEGUN = re.compile(rf"(?:\x1b\[[0-?]{{0,64}}[ -/]{{0,4}}|{_STRING}\x1b?|\x1b[ -/]{{0,4}})\Z")
_LONGEST = 5000


class Row:
    """A line that is not over. `returned`: the cursor is at its beginning, so what comes replaces it."""

    def __init__(self, style: str) -> None:
        self.text = ""
        self.cut = 0
        self.style = style
        self.returned = False
        self.is_bar = False

    def put(self, text: str, style: str) -> None:
        """Print text in a style that holds before it."""
        if self.returned:
            self.erase(style)
            self.returned, self.is_bar = False, True
        if not self.text:
            self.style = style
        kept = text[: MAX_LINE - len(self.text)]
        self.text += kept
        self.cut += len(text) - len(kept)

    def restyle(self, change: str) -> None:
        """Change the style within the text."""
        if self.text and not self.returned and len(self.text) < MAX_LINE:
            self.text += change

    def erase(self, style: str) -> None:
        """Empty it."""
        self.text, self.cut, self.style = "", 0, style

    def shown(self) -> str:
        """As it is stored."""
        if not self.text:
            return ""
        text = self.text.rstrip(" ") if self.is_bar else self.text
        mark = f" … {self.cut:,} more characters were cut" if self.cut else ""
        return f"{self.style if text else ''}{text}{mark}"


class Lines:
    """A terminal of OPEN_ROWS rows whose lines are taken away at the top as soon as they are over."""

    def __init__(self) -> None:
        self._held = ""
        self._holding: Style = {}
        self._style = ""
        self._rows = [Row("")]
        self._cursor = 0
        self._over: list[str] = []

    @property
    def open(self) -> str:
        """The rows that may still change, without empty ones at the end."""
        return "\n".join(row.shown() for row in self._rows).rstrip("\n")

    def feed(self, text: str) -> str:
        """Print text; the lines that are over by it, each with its line feed."""
        text = self._held + text
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST))
        end = begun.start() if begun else len(text)
        self._held = text[end:]
        self._print(text, end)
        over, self._over = self._over, []
        return "".join(f"{line}\n" for line in over)

    def finish(self) -> None:
        """Show a sequence whose end never came."""
        text, self._held = self._held, ""
        self._print(text, len(text))

    def _print(self, text: str, end: int) -> None:
        at = 0
        for token in _TOKEN.finditer(text, 0, end):
            if token.start() > at:
                self._row.put(text[at : token.start()], self._style)
            at = token.end()
            self._obey(token)
        if at < end:
            self._row.put(text[at:end], self._style)

    @property
    def _row(self) -> Row:
        return self._rows[self._cursor]

    def _obey(self, token: "re.Match[str]") -> None:
        if token["break"] == "\n":
            self._line_feed()
        elif token["break"]:
            self._row.returned = True
        elif token["final"] == "m":
            self._set_style(token[0], token["parameters"])
        elif token["final"]:
            self._move(token["final"], token["parameters"])
        elif token["nul"]:
            self._row.put("\ufffd", self._style)

    def _set_style(self, change: str, parameters: str) -> None:
        self._holding = restyled(self._holding, parameters)
        self._style = sequence(self._holding)
        self._row.restyle(change)

    def _line_feed(self) -> None:
        row = self._row
        if self._cursor < len(self._rows) - 1:
            self._cursor += 1
            self._row.returned = bool(self._row.text)
        elif row.is_bar:
            self._rows.append(Row(self._style))
            self._cursor += 1
            if len(self._rows) > OPEN_ROWS:
                self._over.append(self._rows.pop(0).shown())
                self._cursor -= 1
        else:
            self._over += [each.shown() for each in self._rows]
            self._rows, self._cursor = [Row(self._style)], 0

    def _move(self, final: str, parameters: str) -> None:
        count = int(parameters) if parameters.isdecimal() else 0
        match final:
            case "A" | "F":
                self._cursor = max(0, self._cursor - max(1, count))
                self._row.returned |= final == "F"
            case "B" | "E":
                self._cursor = min(len(self._rows) - 1, self._cursor + max(1, count))
                self._row.returned |= final == "E"
            case "G" if count <= 1:
                self._row.returned = True
            case "K" if count == 2 or (count == 0 and self._row.returned):
                self._row.erase(self._style)
            case "J" if count == 0:
                for row in self._rows[self._cursor + 1 :]:
                    row.erase(self._style)
                if self._row.returned:
                    self._row.erase(self._style)
