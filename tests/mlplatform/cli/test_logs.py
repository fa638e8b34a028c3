"""`mlp logs`: any rank and attempt, the end of it, and what comes."""

import pytest

from experiments.models import Experiment, Run
from mlplatform.cli.client import PortalClient
from tests.logs import prints
from tests.mlplatform.cli.conftest import Meanwhile, Mlp


@pytest.fixture
def run(experiment: Experiment) -> Run:
    Experiment.objects.update(workers=2)
    return experiment.runs.get(number=1)


def says(
    run: Run, *lines: str, attempt: int = 1, rank: int = 0, rows: str | None = None, state: str = "running"
) -> None:
    Run.objects.filter(pk=run.pk).update(attempts_made=attempt, state=state)
    prints(run, *lines, attempt=attempt, rank=rank, rows=rows)


def test_logs_of_an_attempt_and_a_rank(mlp: Mlp, run: Run) -> None:
    said = mlp("logs", "vision/sweep", "1")
    assert (said.code, said.out) == (0, "")
    says(run, "first")
    says(run, "[bold]second\x1b[1m", attempt=2, rows="50%")
    says(run, "other", attempt=2, rank=1)
    assert mlp("logs", "vision/sweep", "1").out == "[bold]second\x1b[1m\n50%\n"
    assert mlp("logs", "vision/sweep/1", "--attempt", "1").out == "first\n"
    assert mlp("logs", "vision/sweep/1", "--rank", "1").out == "other\n"


@pytest.mark.parametrize(
    ("words", "code", "err"),
    [
        (("--attempt", "3"), 1, "it had 1 so far"),
        (("--rank", "2"), 1, "its ranks are 0 to 1"),
        (("--rank", "x"), 2, "'x' is no rank"),
        (("--tail", "0"), 2, "'0' is no number of lines"),
        (("--attempt", "0"), 2, "'0' is no attempt"),
    ],
)
def test_what_there_is_not(mlp: Mlp, run: Run, words: tuple[str, ...], code: int, err: str) -> None:
    says(run, "first")
    said = mlp("logs", "vision/sweep", "1", *words)
    assert said.code == code
    assert err in said.err


def test_a_long_log_comes_page_by_page(mlp: Mlp, run: Run) -> None:
    lines = [f"line {number}" for number in range(2500)]
    says(run, *lines, rows="open")
    assert mlp("logs", "vision/sweep", "1").out.splitlines() == [*lines, "open"]
    assert mlp("logs", "vision/sweep", "1", "--tail", "3").out.splitlines() == [*lines[-2:], "open"]
    assert mlp("logs", "vision/sweep", "1", "--tail", "1200").out.splitlines() == [*lines[-1199:], "open"]


@pytest.mark.parametrize("count", [993, 995, 999, 1000, 1001])
def test_rows_that_are_open_are_printed_wherever_a_page_ends(mlp: Mlp, run: Run, count: int) -> None:
    lines = [f"line {number}" for number in range(count)]
    rows = [f"row {number}" for number in range(8)]
    says(run, *lines, rows="\n".join(rows))
    assert mlp("logs", "vision/sweep", "1").out.splitlines() == [*lines, *rows]


def test_logs_are_followed_over_attempts_until_the_run_has_ended(
    mlp: Mlp, run: Run, meanwhile: Meanwhile
) -> None:
    left = meanwhile(
        lambda: says(run, rows="one "),
        lambda: says(run, "one two", rows="10%"),
        lambda: says(run, rows="90%"),
        lambda: says(run, "again", attempt=2),
        lambda: says(run, "three", attempt=2, state="completed"),
    )
    said = mlp("logs", "vision/sweep", "1", "--follow")
    assert (said.code, left) == (0, [])
    assert said.out == "one two\n90%\nagain\nthree\n"
    assert said.err == "mlp: attempt 2 of run 1\n"


def test_the_tail_is_followed_from_where_it_began(mlp: Mlp, run: Run, meanwhile: Meanwhile) -> None:
    says(run, "old", "older", rows="10%")
    meanwhile(lambda: says(run, "100%", "next", rows="", state="completed"))
    assert mlp("logs", "vision/sweep", "1", "-f", "--tail", "1").out == "100%\nnext\n"


def test_one_attempt_is_followed_until_the_next(mlp: Mlp, run: Run, meanwhile: Meanwhile) -> None:
    says(run, "one")
    meanwhile(lambda: says(run, "again", attempt=2))
    assert mlp("logs", "vision/sweep", "1", "-f", "--attempt", "1").out == "one\n"


def test_it_does_not_ask_more_often_than_it_must(
    mlp: Mlp, run: Run, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = PortalClient.log_lines

    def counted(self, *args, **keys):
        asked.append(keys["first"])
        return real(self, *args, **keys)

    monkeypatch.setattr(PortalClient, "log_lines", counted)
    says(run, "one", state="completed")
    mlp("logs", "vision/sweep", "1")
    assert asked == [1]
