import pytest

from mlplatform.http.bearer import bearer


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (b"Bearer abc", "abc"),
        (b"bearer  abc ", "abc"),
        (b"Bearer", ""),
        (b"Bearer \xff", "\xff"),
        (b"Basic abc", None),
        (b"", None),
    ],
)
def test_the_token_of_a_header(header: bytes, token: str | None) -> None:
    assert bearer(header) == token
