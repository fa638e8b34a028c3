"""docs/settings.md lists every variable that the code knows, and no other."""

import re
from pathlib import Path

import pytest

from mlplatform.kernel.env import REQUIRED, VARIABLES, Variable

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "settings.md").read_text()
ROW = re.compile(r"^\| `(MLP_[A-Z_]+)`", re.MULTILINE)
CODE = ("mlplatform", "accounts", "runners", "experiments", "Makefile", ".ci/run")


def row(variable: Variable) -> str:
    """The variable's row in the first table."""
    if variable.default is REQUIRED:
        default = "required"
    elif variable.default in (None, ""):
        default = ""
    elif isinstance(variable.default, Path):
        default = f"`{variable.default.relative_to(ROOT)}`"
    else:
        default = f"`{int(variable.default) if isinstance(variable.default, bool) else variable.default}`"
    twin = f" (or `{variable.name}_FILE`)" if variable.secret else ""
    return f"| `{variable.name}`{twin} | {default} | {variable.help} |"


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_the_row_says_what_the_code_says(variable: Variable) -> None:
    assert row(variable) in DOCUMENT.splitlines(), f"docs/settings.md should have the row\n{row(variable)}"


def test_no_row_is_about_a_variable_that_nothing_reads() -> None:
    assert set(ROW.findall(DOCUMENT)) <= set(mentioned())


def test_every_variable_in_the_code_has_a_row() -> None:
    documented = set(ROW.findall(DOCUMENT))
    secrets = {f"{variable.name}_FILE" for variable in VARIABLES if variable.secret}
    unknown = {name: where for name, where in mentioned().items() if name not in documented | secrets}
    assert not unknown


def mentioned() -> dict[str, str]:
    """Every MLP_ name that stands in the code as a whole word, with a file that has it."""
    files = [
        path
        for entry in CODE
        for path in ([ROOT / entry] if (ROOT / entry).is_file() else (ROOT / entry).rglob("*.py"))
    ]
    files += (ROOT / "tests").glob("*.py")
    return {
        name: str(path.relative_to(ROOT))
        for path in files
        for name in re.findall(r"\bMLP_[A-Z]+(?:_[A-Z]+)*\b", path.read_text())
    }
