import json
import subprocess
import sys
from typing import Any

import pytest

from experiments.search.importance import importances

SETS = 40
pytestmark = pytest.mark.filterwarnings("ignore:Argument ``normalize``")
SPREAD = [(index * 0.618) % 1 for index in range(SETS)]
OTHER = [(index * 0.414) % 1 for index in range(SETS)]


def question(evaluator: str, direction: str = "maximize", **more: Any) -> dict[str, Any]:
    columns = {"lr": {"choices": 0, "codes": SPREAD}, "noise": {"choices": 0, "codes": OTHER}, **more}
    return {
        "evaluator": evaluator,
        "direction": direction,
        "values": [part**3 for part in SPREAD],
        "columns": columns,
    }


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize("evaluator", ["fanova", "ped_anova"])
def test_what_matters_comes_first_and_shares_add_up(evaluator: str, direction: str) -> None:
    found = importances(question(evaluator, direction))
    assert next(iter(found)) == "lr"
    assert found["lr"] > 2 * found["noise"]
    assert sum(found.values()) == pytest.approx(1)
    assert importances(question(evaluator, direction)) == found


def test_choices() -> None:
    asked = question("fanova", kind={"choices": 3, "codes": [index % 3 for index in range(SETS)]})
    asked["values"] = [float(index % 3 == 1) for index in range(SETS)]
    assert next(iter(importances(asked))) == "kind"


def test_a_parameter_that_some_sets_do_not_have() -> None:
    codes = [part if index % 2 else None for index, part in enumerate(OTHER)]
    found = importances(question("ped_anova", momentum={"choices": 0, "codes": codes}))
    assert set(found) == {"lr", "noise", "momentum"}


def test_it_is_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "experiments.search.importance"],
        input=json.dumps(question("ped_anova")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == importances(question("ped_anova"))
    assert done.stderr == ""
