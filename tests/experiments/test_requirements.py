import pytest

from experiments.requirements import MAX_LINES, parse
from mlplatform.kernel.errors import InvalidInput


def test_plain_requirements_are_taken_without_comments() -> None:
    text = """\ufeff# what the model needs

scikit-learn >=1.3, <2   # a comment
torchmetrics[detection]==1.4.0; python_version >= "3.10"
    toolz
"""
    assert parse(text.encode()) == [
        "scikit-learn<2,>=1.3",
        'torchmetrics[detection]==1.4.0; python_version >= "3.10"',
        "toolz",
    ]
    assert parse(b"") == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-r more.txt", "options of pip"),
        ("-e .", "options of pip"),
        ("--index-url https://elsewhere.example/simple", "options of pip"),
        ("toolz==1.0 --hash=sha256:00", "options, variables and continued lines"),
        ("toolz==1.0 \\", "options, variables and continued lines"),
        ("toolz==${HOME}", "options, variables and continued lines"),
        ("toolz @ https://elsewhere.example/toolz.whl", "URLs and paths"),
        ("toolz @ file:///etc/toolz", "URLs and paths"),
        ("toolz-1.0-py3-none-any.whl", "URLs and paths"),
        ("git+https://elsewhere.example/toolz", "a package of the index"),
        ("./toolz", "a package of the index"),
        ("toolz=1.0", "write a package of the index, such as name==1.2"),
        ("toolz" * 101, "longer than 500"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(line: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(f"numpy\n\n{line}\n".encode())
    assert caught.value.message.startswith("requirements.txt, line 3: ")
    assert words in caught.value.message
    assert caught.value.field == "code"


def test_too_many_and_not_text() -> None:
    assert len(parse(b"toolz\n" * MAX_LINES)) == MAX_LINES
    with pytest.raises(InvalidInput, match="at most 100"):
        parse(b"toolz\n" * (MAX_LINES + 1))
    with pytest.raises(InvalidInput, match="not UTF-8"):
        parse(b"\xff\xfe")
