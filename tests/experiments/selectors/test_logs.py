import zlib

import pytest

from experiments.models import Experiment, LogChunk
from experiments.selectors.logs import log_after, log_full, log_tail


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ([(1, "a"), (1, "b\nc\n")], "[rank 1] ab\n[rank 1] c\n"),
        ([(1, "a"), (0, "x\n"), (1, "b\n")], "[rank 1] a\nx\n[rank 1] b\n"),
        ([(0, "x"), (1, "a\n"), (0, "y\n")], "x\n[rank 1] a\ny\n"),
        ([(1, "1%\r"), (1, "2%\r"), (1, "\n"), (1, "done\n")], "[rank 1] 1%\r[rank 1] 2%\r\n[rank 1] done\n"),
        ([(1, "from Windows\r"), (1, "\nnext\r\n")], "[rank 1] from Windows\r\n[rank 1] next\r\n"),
        ([(1, "a\x0bb\u2028c\n")], "[rank 1] a\x0bb\u2028c\n"),
    ],
)
def test_a_batch_may_end_within_a_line(
    experiment: Experiment, said: list[tuple[int, str]], shown: str
) -> None:
    run = experiment.runs.get(number=1)
    # Whoever follows the log gets the same text, piece by piece.
    followed, end = "", 0
    for number, (rank, text) in enumerate(said):
        content = text.encode()
        LogChunk.objects.create(
            run=run,
            attempt=0,
            rank=rank,
            seq=number,
            offset=0,
            size=len(content),
            content=zlib.compress(content),
        )
        piece = log_after(run, None, end)
        followed, end = followed + piece.text, piece.end
    assert log_tail(run).text == shown
    assert log_full(run) == shown
    assert followed == shown
