import ast

import pytest

from experiments.inspection import check_syntax, guess_manifest
from experiments.readiness import imports_missing, metric_unknown, report_missing
from mlplatform.kernel.errors import InvalidInput

THERE = ("torch", "ray", "numpy", "scikit-learn")


def trees(**files: str) -> dict[str, ast.Module]:
    return {f"{name}.py": ast.parse(text) for name, text in files.items()}


@pytest.mark.parametrize(
    ("code", "is_missing"),
    [
        ("import ray.train\nray.train.report({'loss': 1})", False),
        ("from ray.train import report\nreport({})", False),
        ("callbacks = [RayTrainReportCallback()]", False),
        ("def train(config):\n    print(config)", True),
    ],
)
def test_code_that_tells_nobody_anything(code: str, is_missing: bool) -> None:
    assert ("ray.train.report" in report_missing(trees(train=code))) is is_missing


def test_a_metric_that_stands_nowhere() -> None:
    code = trees(train="report({'val': {'accuracy': 1}})")
    assert metric_unknown(code, "val/accuracy") == ""
    assert metric_unknown(code, "") == ""
    assert "is loss, a name that stands nowhere" in metric_unknown(code, "loss")


def test_imports_that_nobody_has() -> None:
    code = trees(
        train="import os, torch.nn, seaborn\nfrom helper import x\nfrom . import y\nimport sklearn.svm, cv2",
        helper="""
try:
    import wandb
except ImportError:
    wandb = None
if TYPE_CHECKING:
    import pandas
def plot():
    import seaborn, plotly.express
""",
    )
    found = imports_missing(code, ["opencv-python>=4", "Foo_Bar"], THERE)
    assert [words.partition(",")[0] + words.partition("imports")[2].split(",")[0] for words in found] == [
        "train.py seaborn",
        "helper.py plotly",
    ]
    assert "line 1" in found[0]
    assert "add a requirements.txt with plotly" in found[1]


def test_every_file_that_is_wrong_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_syntax({"a.py": "def f(:", "b.py": "x = 1", "c.py": "\n)"})
    assert [line.partition(":")[0] for line in caught.value.message.splitlines()] == [
        "a.py, line 1",
        "c.py, line 2",
    ]


def test_why_no_function_will_do() -> None:
    sources = {
        "a.py": "print(1)",
        "b.py": "async def train(config): ...\ndef fit(model, data): ...\ndef helper(x): ...",
    }
    with pytest.raises(InvalidInput) as caught:
        guess_manifest("m", sources)
    first, *rest = caught.value.message.splitlines()
    assert first.startswith("No train function found")
    assert rest == [
        "a.py defines no function at its top level; put what it does into one.",
        "b.py, line 1: train(config) is async, which Ray Train does not call.",
        "b.py, line 2: fit(model, data) needs more than one argument; Ray Train gives one, the parameters.",
        "b.py, line 3: helper(x) is neither called train nor takes an argument called config.",
    ]
