"""What a terminal would show: the lines do not depend on how the output is cut into pieces."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.harness.lines import MAX_LINE, OPEN_ROWS, Lines


def shown(*pieces: str) -> tuple[list[str], list[str]]:
    """The lines that are over, and the open rows."""
    lines = Lines()
    over = "".join(map(lines.feed, pieces))
    assert over == "" or over.endswith("\n")
    return over.split("\n")[:-1], lines.open.split("\n") if lines.open else []


@pytest.mark.parametrize(
    ("printed", "over", "still_open"),
    [
        ("a\nb\n", ["a", "b"], []),
        ("a\n\nb", ["a", ""], ["b"]),
        ("from Windows\r\nnext\r\n", ["from Windows", "next"], []),
        ("a\x0bb\u2028c\x85d\n", ["ab\u2028c\x85d"], []),
        ("tab\there\x07\x08\n", ["tab\there"], []),
        ("nul\x00\n", ["nul\ufffd"], []),
        # A bar is one line, open while it moves, over when something follows below it.
        ("\r 0%|   |\r50%|## |\r99%|###|", [], ["99%|###|"]),
        ("\r 0%\r100%\n", [], ["100%"]),
        ("\r 0%\r100%\nnext\n", ["100%", "next"], []),
        ("\rlonger\rshort ", [], ["short"]),
        ("epoch 1: \r\x1b[K50%\r\x1b[K", [], []),
        ("loading\x1b[2K\rdone\n", [], ["done"]),
        # tqdm's inner bar: it moves down, draws, and moves up again.
        ("\r0/2\n\r1/9\x1b[A\n\r9/9\x1b[A\r1/2\n\r3/9\x1b[A", [], ["1/2", "3/9"]),
        ("\r0/2\n\r1/9\x1b[A\n\r   \r\x1b[A\r2/2\nend\n", [], ["2/2", "end"]),
        # rich draws several rows, then moves up over them.
        ("\ra\n\rb\n\r\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2KA\n\rB\nend\n", ["A", "B", "end"], []),
        ("\rx\x1b[99A\x1b[99B\x1b[0Jy\n", [], ["xy"]),
    ],
)
def test_what_is_seen(printed: str, over: list[str], still_open: list[str]) -> None:
    assert shown(printed) == (over, still_open)
    assert shown(*printed) == (over, still_open)


def test_bars_that_end_one_after_the_other_are_kept() -> None:
    bars = OPEN_ROWS + 3
    over, rows = shown("".join(f"\rbar {n}:  0%\rbar {n}: 100%\n" for n in range(bars)) + "end\n")
    assert over == [*(f"bar {n}: 100%" for n in range(bars)), "end"]
    assert rows == []


def test_a_bar_of_many_updates_is_one_line() -> None:
    lines = Lines()
    for step in range(0, 100_000, 1000):
        assert lines.feed("".join(f"\r{n}/100000" for n in range(step, step + 1000))) == ""
    assert lines.open == "99999/100000"


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_very_long_line_is_cut_with_a_mark(pieces: int) -> None:
    size = MAX_LINE + 123_456
    text = "x" * size
    step = size // pieces
    lines = Lines()
    over = "".join(lines.feed(text[at : at + step]) for at in range(0, size, step)) + lines.feed("\nnext\n")
    assert over == "x" * MAX_LINE + " … 123,456 more characters were cut\nnext\n"


def test_colours_are_kept_and_begin_again_on_each_line() -> None:
    over, rows = shown("\x1b[1;31mred\nstill\x1b[0m plain\nplain\x1b[38;5;208m\norange\x1b[39m\n\x1b[0mend")
    assert over == [
        "\x1b[1;31mred",
        "\x1b[1;31mstill\x1b[0m plain",
        "plain\x1b[38;5;208m",
        "\x1b[38;5;208morange\x1b[39m",
    ]
    assert rows == ["end"]


@pytest.mark.parametrize(
    ("printed", "seen"),
    [("done \x1b]0;title", "done 0;title"), ("\x1b[3", "3"), ("\x1b", "")],
)
def test_a_sequence_that_never_ends_is_shown_at_the_end(printed: str, seen: str) -> None:
    lines = Lines()
    lines.feed(printed)
    lines.finish()
    assert lines.open == seen
    assert lines.feed("\n") == f"{seen}\n"


def test_other_escape_sequences_are_dropped() -> None:
    link = "\x1b]8;;https://example.org\x1b\\text\x1b]8;;\x07"
    over, _ = shown(f"\x1b]0;title\x07{link} \x1b(B\x1b=\x1b[?25l\x1b[10;20Hx\x1bPdevice\x1b\\\x1b\n")
    assert over == ["text x"]


def test_a_sequence_that_never_ends_swallows_nothing() -> None:
    assert shown("\x1b]0;no end\nnext\n") == (["0;no end", "next"], [])
    over, _ = shown("\x1b[" + "1" * 100 + "\nnext\n")
    assert over[-1] == "next"


PIECES = [
    "a",
    "é€",
    "50%|█▌ ",
    "\r",
    "\n",
    "\r\n",
    "\x00",
    "\x1b[31m",
    "\x1b[0m",
    "\x1b[38;2;1;2;3m",
    "\x1b[4:3m",
]
PIECES += [
    "\x1b[K",
    "\x1b[2K",
    "\x1b[A",
    "\x1b[2A",
    "\x1b[B",
    "\x1b[J",
    "\x1b[G",
    "\x1b]0;t\x07",
    "\x1b]8;;x\x1b\\",
]
PIECES += ["\x1b", "\x1b[", "\x1b]", "\x1b[?", "\\", "m", "\x07", " ", "\t", "x" * (MAX_LINE // 2)]


def decoded(*parts: bytes) -> list[str]:
    """As the capture reads them."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    return [decode(part) for part in parts]


RAW = [piece.encode() for piece in PIECES] + [b"\xff", b"\xe2\x82", b"\xf0\x9f\x92", b"\xed\xa0\x80"]


@given(st.lists(st.sampled_from(RAW), max_size=40), st.data())
def test_any_cut_of_the_bytes_gives_the_same_lines(pieces: list[bytes], data: st.DataObject) -> None:
    raw = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    parts = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert shown(*decoded(*parts)) == shown(*decoded(raw))


@given(st.text(), st.data())
def test_any_cut_of_any_text_gives_the_same_lines(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    assert shown(text[:cut], text[cut:]) == shown(text)
    assert shown(*text) == shown(text)


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20), max_size=20))
def test_plain_lines_stay_as_they_are(lines: list[str]) -> None:
    assert shown("".join(f"{line}\n" for line in lines)) == (lines, [])
