import pytest

from experiments.web.terminal import readable


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("epoch 1\nepoch 2\n", "epoch 1\nepoch 2\n"),
        ("\x1b[1;31mred\x1b[0m and \x1b]0;title\x07plain\x1b[A", "red and plain"),
        ("\r 1%|#  |\r50%|## |\r100%|###|\ndone\n", "100%|###|\ndone\n"),
        (" 50%|## |\r", " 50%|## |"),
        ("from Windows\r\nnext\r\n", "from Windows\nnext\n"),
        ("[rank 1] 1%\r[rank 1] 2%\r", "[rank 1] 2%"),
        ("a\x00b\x08\tc <b> é 视觉", "ab\tc <b> é 视觉"),
    ],
)
def test_readable(printed: str, shown: str) -> None:
    assert readable(printed) == shown
