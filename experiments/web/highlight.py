"""Code as lines of HTML in which keywords, strings and comments have classes.

A pattern each instead of a library: whatever somebody uploads is read in one pass, also what is no code at all.
"""

import re
from collections.abc import Iterator
from html import escape
from keyword import iskeyword
from pathlib import PurePosixPath

from django.utils.safestring import SafeString

# A string without its end reaches to the end of its line, or of the text: so no pattern has to go back.
QUOTED = r"""(?P<string>[rbfu]{0,2}(?:"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?))"""
LONG = r'''(?P<long>[rbfu]{0,2}(?:"""(?:[^\\]|\\.?)*?(?:"""|\Z)|\'\'\'(?:[^\\]|\\.?)*?(?:\'\'\'|\Z)))'''
COMMENT = r"(?P<comment>\#[^\n]*)"
PYTHON = re.compile(
    rf"{COMMENT}|{LONG}|{QUOTED}|(?P<decorator>^[ \t]*@[\w.]+)|(?P<word>[^\W\d]\w*)|(?P<value>\d[\w.]*)",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
OTHER = re.compile(rf"(?<!\S){COMMENT}|{QUOTED}", re.DOTALL)
PATTERNS = {".py": PYTHON, **dict.fromkeys((".yaml", ".yml", ".toml", ".sh", ".cfg", ".ini"), OTHER)}
DEFINING = ("def", "class")


def code_lines(name: str, text: str) -> list[SafeString]:
    """One piece of HTML per line; tags do not span lines."""
    text = text.replace("\r\n", "\n").removesuffix("\n")
    pattern = PATTERNS.get(PurePosixPath(name).suffix.lower())
    if pattern is None:
        return [SafeString(escape(line)) for line in text.split("\n")]
    pieces = []
    for kind, part in _parts(pattern, text):
        pieces.append("\n".join(_piece(kind, line) for line in part.split("\n")))
    return [SafeString(line) for line in "".join(pieces).split("\n")]


def _parts(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    """The whole text in pieces, each with its class, empty for what is plain."""
    done, before = 0, ""
    for found in pattern.finditer(text):
        if found.start() > done:
            yield "", text[done : found.start()]
        word = found.group()
        yield _kind(found.lastgroup or "", word, before), word
        done, before = found.end(), word
    if done < len(text):
        yield "", text[done:]


def _kind(group: str, word: str, before: str) -> str:
    if group != "word":
        return "string" if group == "long" else group
    if iskeyword(word):
        return "keyword"
    return "name" if before in DEFINING else ""


def _piece(kind: str, text: str) -> str:
    if not kind or not text.strip():
        return escape(text)
    return f'<span class="code-{kind}">{escape(text)}</span>'
