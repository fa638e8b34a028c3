import pytest

from experiments.requirements import MAX_LINES, parse, refuse_another_ray, warnings
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


THERE = {"ray": "2.60.0", "torch": "2.13.0+cpu"}


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "{}==2.60.0",
        "{}[extra]>=2.13",
        "{}>=2.13,<3",
        "{}-geometric==1.0",
        '{}==1.0; python_version < "3"',
    ],
)
def test_what_the_cluster_meets_is_nothing_to_speak_of(line: str) -> None:
    refuse_another_ray([line.format("ray")], THERE)
    assert warnings([line.format("torch").replace("2.60.0", "2.13.0")], THERE) == []


@pytest.mark.parametrize("line", ["ray==2.9.0", "Ray[train]<2.60", "ray>2.60"])
def test_another_ray_is_refused(line: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        refuse_another_ray(["toolz", line], THERE)
    assert f"asks for {line}, but the cluster has ray 2.60.0" in caught.value.message
    assert "Leave ray out" in caught.value.message
    assert caught.value.field == "code"


@pytest.mark.parametrize("line", ["torch==2.1.0", "torch<2", "TORCH==2.13.0+cu130"])
def test_of_another_torch_is_warned(line: str) -> None:
    (warning,) = warnings([line, "toolz"], THERE)
    assert f"asks for {line}, but the cluster has torch 2.13.0+cpu" in warning
    assert "builds an environment" in warning


def test_of_a_cluster_that_nobody_knows_nothing_is_said() -> None:
    refuse_another_ray(["ray==2.9.0"], {})
    assert warnings(["torch==2.1.0"], {}) == []
