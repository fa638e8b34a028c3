import pytest

from experiments.terminal import plain


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("epoch 1\nepoch 2\n", "epoch 1\nepoch 2\n"),
        ("\x1b[1;31mred\x1b[0m and \x1b]0;title\x07plain\x1b[A", "red and plain"),
        ("\x1b]0;never ends\nnext\n", "0;never ends\nnext\n"),
        ("a\x00b\x08\tc <b> é 视觉", "ab\tc <b> é 视觉"),
    ],
)
def test_plain(printed: str, shown: str) -> None:
    assert plain(printed) == shown
