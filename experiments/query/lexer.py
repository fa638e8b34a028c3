"""Cutting a query into tokens."""

import re
from dataclasses import dataclass

from experiments.query.errors import QueryError
from experiments.query.tree import BARE

END = "end"
WORD, QUOTED, SIGN = "word", "quoted", "sign"
TOKEN = re.compile(
    rf"""(?P<{WORD}>{BARE.pattern})
       | (?P<{QUOTED}>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
       | (?P<{SIGN}><=|>=|!=|[<>=(),])""",
    re.VERBOSE | re.DOTALL,
)
REMEDIES = {
    "==": "write = to compare.",
    "<>": "write != for unequal.",
    "&": "write and.",
    "|": "write or.",
    "!": "write not, or != for unequal.",
    "~": "regular expressions are not offered; use contains.",
}


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is what was meant: without quotes and backslashes. `end` is where the next one begins if it touches."""

    kind: str
    text: str
    column: int
    end: int

    def is_word(self, word: str) -> bool:
        """Whether it is this keyword, in capitals or not."""
        return self.kind == WORD and self.text.lower() == word

    def __str__(self) -> str:
        return "the end" if self.kind == END else repr(self.text)


def tokens(text: str) -> list[Token]:
    """The tokens, an END last. Raises QueryError."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = TOKEN.match(text, at)
        wrong = next((sign for sign in ("==", "<>") if text.startswith(sign, at)), "")
        if match is None or wrong:
            raise QueryError(at + 1, _problem(text, at))
        kind = match.lastgroup or ""
        said = match.group()
        if kind == QUOTED:
            said = re.sub(r"\\(.)", r"\1", said[1:-1], flags=re.DOTALL)
        _check_characters(said, at + 1)
        found.append(Token(kind, said, at + 1, match.end() + 1))
        at = match.end()
    return [*found, Token(END, "", len(text) + 1, len(text) + 1)]


def _problem(text: str, at: int) -> str:
    for sign, remedy in REMEDIES.items():
        if text.startswith(sign, at):
            return f"{sign} is no operator here; {remedy}"
    return "this quote is not closed."


def _check_characters(said: str, column: int) -> None:
    """Neither of them can be stored, so no run can have it."""
    if "\0" in said or (not said.isascii() and re.search(r"[\ud800-\udfff]", said)):
        raise QueryError(column, "this has a character that no text here can have.")
