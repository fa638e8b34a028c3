"""What comes too fast is dropped, and said; what a portal is sent is bounded."""

import pytest

from runners.harness import output
from runners.harness.output import RATE, Output


class Printer:
    """Something that prints, and a clock."""

    def __init__(self, **options: int) -> None:
        self.printed: list[str] = []
        self.now = 100.0
        self.skipped = (0, 0)
        self.output = Output(
            lambda: self.printed.pop(0) if self.printed else "",
            take_skipped=self.take_skipped,
            clock=lambda: self.now,
            **options,
        )

    def take_skipped(self) -> tuple[int, int]:
        skipped, self.skipped = self.skipped, (0, 0)
        return skipped

    def turn(self, *printed: str) -> str:
        self.printed += printed
        return "".join(self.output.lines())


def test_lines_come_when_they_are_over_and_open_rows_when_they_change() -> None:
    printer = Printer()
    assert printer.turn("one\ntw") == "one\n"
    assert printer.output.changed_open() == "tw"
    assert printer.output.changed_open() is None
    assert printer.turn("o\n") == "two\n"
    assert printer.output.changed_open() == ""
    assert printer.turn() == ""


def test_a_flood_says_how_much_was_dropped() -> None:
    printer = Printer(burst=100)
    flood = "".join(f"line {n:03}\n" for n in range(50))
    said = printer.turn(flood, flood, "the last\n").splitlines()
    assert said[:11] == [f"line {n:03}" for n in range(11)]
    assert said[11:] == ["[mlp] output came too fast: 90 lines (810 characters) were dropped here."]
    printer.now += 20 / RATE
    assert printer.turn("one more\nand one\nand one\n").splitlines()[-2:] == [
        "and one",
        "[mlp] output came too fast: 1 lines (8 characters) were dropped here.",
    ]


def test_what_was_not_even_read_is_said_where_it_was() -> None:
    printer = Printer()
    assert printer.turn("one\ntw") == "one\n"
    printer.skipped = (1_000, 64_000)
    assert printer.turn("ree\nfour\n").splitlines() == [
        "tw",
        "[mlp] output came too fast: 1,000 lines (64,000 characters) were dropped here.",
        "ree",
        "four",
    ]


def test_what_was_not_even_read_is_said_if_there_is_no_room() -> None:
    printer = Printer(burst=10)
    assert printer.turn("12345678\n") == "12345678\n"
    printer.skipped = (100, 900)
    assert printer.turn("abcdefgh\n").splitlines()[1:] == [
        "[mlp] output came too fast: 100 lines (900 characters) were dropped here.",
        "[mlp] output came too fast: 1 lines (9 characters) were dropped here.",
    ]


def test_nothing_is_said_of_a_flood_after_the_last_words() -> None:
    printer = Printer(most=10)
    assert "more than 10 characters" in printer.turn("0123456789\nabc\n")
    printer.skipped = (100, 900)
    assert printer.turn("more\n") == ""


def test_a_turn_looks_at_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "TURN", 10)
    printer = Printer()
    assert printer.turn("123456\n", "7890\n", "abc\n") == "123456\n7890\n"
    assert not printer.output.is_drained
    assert printer.turn() == "abc\n"
    assert printer.output.is_drained


def test_a_rank_has_an_end() -> None:
    printer = Printer(most=20)
    said = printer.turn("0123456789\nabcdef\nxyz\n")
    assert said == (
        "0123456789\nabcdef\n[mlp] this rank printed more than 20 characters; the rest is only in Ray's logs.\n"
    )
    assert printer.turn("more\n", "\r50%") == ""
    assert printer.output.changed_open() is None


def test_a_bar_costs_nothing_of_the_allowance() -> None:
    printer = Printer(burst=100, most=100)
    for step in range(1000):
        assert printer.turn(f"\r{step} of 1000") == ""
    assert printer.output.changed_open() == "999 of 1000"
    assert printer.turn("\ndone\n") == "999 of 1000\ndone\n"
